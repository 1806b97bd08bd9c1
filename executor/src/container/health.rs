//! Health checks as data: what is asked, how often, and what the answers make of a container.
//!
//! Owns: the rules by which answers are counted, which are Docker's. Never does: asking (the monitor's).

use std::time::Duration;

use buildc_ir::ImageConfig;
use serde::{Deserialize, Serialize};

/// So many answers are remembered.
const REMEMBERED: usize = 5;
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const START_INTERVAL: Duration = Duration::from_secs(5);
const RETRIES: u32 = 3;
const SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// What the command line says about the image's health check; none = as the image has it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HealthOptions {
    /// No check at all.
    pub disabled: bool,
    /// Shell command that ends with 0 when all is well.
    pub command: Option<String>,
    /// Time between two checks.
    pub interval: Option<Duration>,
    /// Time after which a check has failed.
    pub timeout: Option<Duration>,
    /// Time after the start in which failures do not count.
    pub start_period: Option<Duration>,
    /// Time between two checks in that time.
    pub start_interval: Option<Duration>,
    /// Failures in a row that make a container unhealthy.
    pub retries: Option<u32>,
}

/// A container's health check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HealthCheck {
    /// As in the image: `["CMD", …]` or `["CMD-SHELL", TEXT]`.
    pub test: Vec<String>,
    /// Program and arguments.
    pub args: Vec<String>,
    /// Time between two checks.
    pub interval: Duration,
    /// Time after which a check has failed.
    pub timeout: Duration,
    /// Time after the start in which failures do not count.
    pub start_period: Duration,
    /// Time between two checks in that time.
    pub start_interval: Duration,
    /// Failures in a row that make a container unhealthy.
    pub retries: u32,
}

impl HealthCheck {
    /// The image's check with the command line's changes; `None` when there is none.
    pub(super) fn new(config: &ImageConfig, options: &HealthOptions) -> Option<Self> {
        let image = config.healthcheck.clone().unwrap_or_default();
        let shell = |text: &String| vec!["CMD-SHELL".to_owned(), text.clone()];
        let test = options.command.as_ref().map_or(image.test, shell);
        let args = match test.split_first() {
            Some((kind, words)) if kind == "CMD" => words.to_vec(),
            Some((kind, words)) if kind == "CMD-SHELL" => {
                let shell = config.shell.clone().unwrap_or_else(|| SHELL.map(str::to_owned).to_vec());
                shell.into_iter().chain(words.iter().cloned()).collect()
            }
            _ => Vec::new(),
        };
        if options.disabled || args.is_empty() {
            return None;
        }
        let time = |asked: Option<Duration>, image_ns: u64, usual: Duration| {
            let image = (image_ns > 0).then(|| Duration::from_nanos(image_ns));
            asked.filter(|asked| !asked.is_zero()).or(image).unwrap_or(usual)
        };
        let retries = options.retries.filter(|retries| *retries > 0).unwrap_or(image.retries);
        Some(Self {
            test,
            args,
            interval: time(options.interval, image.interval_ns, INTERVAL),
            timeout: time(options.timeout, image.timeout_ns, TIMEOUT),
            start_period: time(options.start_period, image.start_period_ns, Duration::ZERO),
            start_interval: time(options.start_interval, image.start_interval_ns, START_INTERVAL),
            retries: if retries == 0 { RETRIES } else { retries },
        })
    }

    /// How long after the last answer, or the start, to ask next; `running` is the time since the start.
    pub(super) fn pause(&self, health: &Health, running: Duration) -> Duration {
        let starting = health.status == HealthStatus::Starting && running < self.start_period;
        if starting { self.start_interval } else { self.interval }
    }
}

/// How a container feels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// Nothing is known yet.
    #[default]
    Starting,
    /// The last check succeeded, or too few failed since.
    Healthy,
    /// Too many failed in a row.
    Unhealthy,
}

impl HealthStatus {
    /// Docker's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// One answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Probe {
    /// RFC 3339.
    pub start: String,
    /// RFC 3339.
    pub end: String,
    /// Exit status; -1 when the check did not run, or not in time.
    pub exit_code: i32,
    /// The beginning of what it wrote.
    pub output: String,
}

/// What the answers of one run amount to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// The verdict.
    pub status: HealthStatus,
    /// Failures in a row.
    pub failing_streak: u32,
    /// The last answers, the oldest first.
    pub log: Vec<Probe>,
}

impl Health {
    /// Counts an answer that came when the container had been running for this long.
    pub(super) fn count(&mut self, probe: Probe, check: &HealthCheck, running: Duration) {
        let good = probe.exit_code == 0;
        self.log.push(probe);
        if self.log.len() > REMEMBERED {
            self.log.remove(0);
        }
        if good {
            (self.status, self.failing_streak) = (HealthStatus::Healthy, 0);
            return;
        }
        if self.status == HealthStatus::Starting && running < check.start_period {
            return;
        }
        self.failing_streak = self.failing_streak.saturating_add(1);
        if self.failing_streak >= check.retries {
            self.status = HealthStatus::Unhealthy;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use buildc_ir::{Healthcheck, Platform};

    fn image(test: &[&str]) -> ImageConfig {
        let test = test.iter().map(|&word| word.to_owned()).collect();
        let mut config = ImageConfig::scratch(Platform::host());
        config.healthcheck = Some(Healthcheck { test, interval_ns: 5_000_000_000, ..Default::default() });
        config
    }

    #[test]
    fn the_command_line_changes_the_images_check() {
        let check = |image: &ImageConfig, options| HealthCheck::new(image, &options);
        let plain = check(&image(&["CMD", "probe", "-x"]), HealthOptions::default()).expect("a check");
        assert_eq!((plain.args, plain.interval), (vec!["probe".to_owned(), "-x".into()], INTERVAL / 6));
        let options =
            HealthOptions { command: Some("a && b".into()), retries: Some(9), ..Default::default() };
        let own = check(&image(&["NONE"]), options.clone()).expect("a check");
        assert_eq!(own.args, ["/bin/sh", "-c", "a && b"]);
        assert_eq!((own.retries, own.interval, own.timeout), (9, INTERVAL / 6, TIMEOUT));
        assert!(check(&image(&["NONE"]), HealthOptions::default()).is_none());
        assert!(check(&image(&["CMD", "x"]), HealthOptions { disabled: true, ..options }).is_none());
        let mut odd = image(&["CMD-SHELL", "x"]);
        odd.shell = Some(vec!["ash".into(), "-ec".into()]);
        assert_eq!(check(&odd, HealthOptions::default()).expect("a check").args, ["ash", "-ec", "x"]);
    }

    #[test]
    fn answers_are_counted_as_docker_does() {
        let second = Duration::from_secs(1);
        let options = HealthOptions { start_period: Some(second * 10), ..Default::default() };
        let check = HealthCheck::new(&image(&["CMD", "x"]), &options).expect("a check");
        let answer = |exit_code| {
            let at = String::new;
            Probe { start: at(), end: at(), exit_code, output: at() }
        };
        let mut health = Health::default();
        assert_eq!(check.pause(&health, second), START_INTERVAL);
        for _ in 0..9 {
            health.count(answer(1), &check, second);
        }
        assert_eq!((health.status, health.failing_streak, health.log.len()), (HealthStatus::Starting, 0, 5));
        for want in [HealthStatus::Starting, HealthStatus::Starting, HealthStatus::Unhealthy] {
            health.count(answer(-1), &check, second * 11);
            assert_eq!(health.status, want);
        }
        health.count(answer(0), &check, second * 12);
        assert_eq!((health.status, health.failing_streak), (HealthStatus::Healthy, 0));
        // One success ends the grace.
        let mut early = Health::default();
        early.count(answer(0), &check, second);
        early.count(answer(1), &check, second);
        assert_eq!((early.status, early.failing_streak), (HealthStatus::Healthy, 1));
        assert_eq!(check.pause(&early, second), INTERVAL / 6);
    }
}
