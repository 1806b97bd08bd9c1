//! The options of a new container that change the image's health check, in Docker's spelling.

use std::time::Duration;

use buildc_executor::container::HealthOptions;

use crate::failure::Failure;
use crate::units;

/// Docker refuses shorter times.
const SHORTEST: Duration = Duration::from_millis(1);

// Health check of a new container.
#[derive(clap::Args, Debug)]
pub struct HealthArgs {
    /// Shell command that ends with 0 when the container is well
    #[arg(long, value_name = "COMMAND", help_heading = "Health")]
    pub health_cmd: Option<String>,
    /// Time between two checks, for example 30s
    #[arg(long, value_name = "TIME", help_heading = "Health")]
    pub health_interval: Option<String>,
    /// Time after which a check has failed
    #[arg(long, value_name = "TIME", help_heading = "Health")]
    pub health_timeout: Option<String>,
    /// Failures in a row that make it unhealthy
    #[arg(long, value_name = "N", help_heading = "Health")]
    pub health_retries: Option<u32>,
    /// Time after the start in which failures do not count
    #[arg(long, value_name = "TIME", help_heading = "Health")]
    pub health_start_period: Option<String>,
    /// Time between two checks in that time
    #[arg(long, value_name = "TIME", help_heading = "Health")]
    pub health_start_interval: Option<String>,
    /// Do not check, whatever the image says
    #[arg(long, help_heading = "Health")]
    pub no_healthcheck: bool,
}

impl HealthArgs {
    /// What they say.
    pub fn options(&self) -> Result<HealthOptions, Failure> {
        Ok(HealthOptions {
            disabled: self.no_healthcheck,
            command: self.health_cmd.clone().filter(|command| !command.is_empty()),
            interval: time("--health-interval", &self.health_interval)?,
            timeout: time("--health-timeout", &self.health_timeout)?,
            start_period: time("--health-start-period", &self.health_start_period)?,
            start_interval: time("--health-start-interval", &self.health_start_interval)?,
            retries: self.health_retries,
        })
    }
}

fn time(flag: &str, text: &Option<String>) -> Result<Option<Duration>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let time = units::parse_duration(text).filter(|time| time.is_zero() || *time >= SHORTEST);
    time.map(Some).ok_or_else(|| {
        Failure::usage(format!("{flag} `{text}` is not a time of at least 1ms")).help("Write 30s or 1m30s")
    })
}
