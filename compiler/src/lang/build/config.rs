//! Changes of an image's config, with the history entries that a Dockerfile would leave.

use buildc_ir::{Healthcheck, ImageConfig, TargetHistory};

use super::builder::Tree;
use super::request::{CommandRequest, ConfigRequest, HealthcheckRequest};
use crate::dockerfile::healthcheck::duration_ns;
use crate::dockerfile::lower::{config, history, ports};

/// Applies a change in the order in which a Dockerfile would state it.
///
/// # Errors
/// The text of what is wrong, naming the attribute.
pub(super) fn apply(tree: &mut Tree, change: &ConfigRequest) -> Result<(), String> {
    let mut said = Vec::new();
    values(&mut tree.config, change, &mut said)?;
    commands(tree, change, &mut said)?;
    tree.history.extend(said.into_iter().map(|created_by| TargetHistory { created_by, step: None }));
    Ok(())
}

fn values(config: &mut ImageConfig, change: &ConfigRequest, said: &mut Vec<String>) -> Result<(), String> {
    if let Some(author) = &change.author {
        config.author = Some(author.clone());
        said.push(format!("MAINTAINER {author}"));
    }
    for pair in &change.env {
        config.set_env(&pair.name, &pair.value);
        said.push(format!("ENV {}={}", pair.name, pair.value));
    }
    for pair in &change.labels {
        config.labels.insert(pair.name.clone(), pair.value.clone());
        said.push(format!("LABEL {}={}", pair.name, pair.value));
    }
    if !change.ports.is_empty() {
        let mut found = Vec::new();
        for port in &change.ports {
            let entries = ports::parse(port).ok_or_else(|| {
                format!("ExposedPorts: `{port}` is not a port; write for example \"8080\" or \"53/udp\"")
            })?;
            found.extend(entries);
        }
        config.exposed_ports.extend(found.iter().cloned());
        said.push(history::plain_list("EXPOSE", &found));
    }
    if !change.volumes.is_empty() {
        config.volumes.extend(change.volumes.iter().cloned());
        said.push(history::plain_list("VOLUME", &change.volumes));
    }
    if let Some(user) = &change.user {
        config.user.clone_from(user);
        said.push(format!("USER {user}"));
    }
    if let Some(dir) = &change.working_dir {
        config.working_dir = crate::dockerfile::lower::paths::join(&config.working_dir, dir);
        said.push(format!("WORKDIR {}", config.working_dir));
    }
    if let Some(signal) = &change.stop_signal {
        if !config::is_signal(signal) {
            return Err(format!("StopSignal: `{signal}` is not a signal"));
        }
        config.stop_signal = Some(signal.clone());
        said.push(format!("STOPSIGNAL {signal}"));
    }
    config.on_build.extend(change.on_build.iter().cloned());
    Ok(())
}

fn commands(tree: &mut Tree, change: &ConfigRequest, said: &mut Vec<String>) -> Result<(), String> {
    if let Some(shell) = &change.shell {
        tree.config.shell = Some(shell.clone());
        said.push(history::plain_list("SHELL", shell));
    }
    if let Some(check) = &change.healthcheck {
        let check = healthcheck(check)?;
        said.push(history::healthcheck(&check));
        tree.config.healthcheck = Some(check);
    }
    if let Some(entrypoint) = &change.entrypoint {
        let args = argv(&tree.config, entrypoint);
        said.push(config::set_entrypoint(&mut tree.config, args, false));
    }
    if let Some(cmd) = &change.cmd {
        let args = argv(&tree.config, cmd);
        said.push(config::set_cmd(&mut tree.config, args));
    }
    Ok(())
}

fn argv(config: &ImageConfig, command: &CommandRequest) -> Vec<String> {
    match command {
        CommandRequest::Exec(args) => args.clone(),
        CommandRequest::Shell(text) => config::in_shell(config.shell.as_deref(), &config.platform, text),
    }
}

fn healthcheck(check: &HealthcheckRequest) -> Result<Healthcheck, String> {
    let duration = |name: &str, text: &Option<String>| match text {
        None => Ok(0),
        Some(text) => duration_ns(text).ok_or_else(|| {
            format!("Healthcheck.{name}: `{text}` is not a duration; write for example \"30s\"")
        }),
    };
    Ok(Healthcheck {
        test: match &check.test {
            CommandRequest::Shell(text) if text == "NONE" => vec!["NONE".to_owned()],
            CommandRequest::Shell(text) => vec!["CMD-SHELL".to_owned(), text.clone()],
            CommandRequest::Exec(args) => match args.first().map(String::as_str) {
                Some("NONE" | "CMD" | "CMD-SHELL") => args.clone(),
                _ => std::iter::once("CMD".to_owned()).chain(args.iter().cloned()).collect(),
            },
        },
        interval_ns: duration("Interval", &check.interval)?,
        timeout_ns: duration("Timeout", &check.timeout)?,
        start_period_ns: duration("StartPeriod", &check.start_period)?,
        start_interval_ns: duration("StartInterval", &check.start_interval)?,
        retries: check.retries.unwrap_or(0),
    })
}
