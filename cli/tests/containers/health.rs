//! Health checks of running containers.

use crate::{Host, IMAGE, eventually};

#[test]
fn health_is_checked_and_shown() {
    let Some(host) = Host::new() else { return };
    let words = ["run", "-d", "--name", "ill", "--network", "none", "-u", "app", "-e", "FILE=/tmp/well"];
    let health = ["--health-cmd", "id -u; echo $FILE; cat $FILE", "--health-interval", "50ms"];
    let retries = ["--health-retries", "2", IMAGE, "sleep", "60"];
    host.buildc(&[&words[..], &health[..], &retries[..]].concat()).expect("run");
    let status = || host.inspect("ill", "{{.State.Health.Status}}");
    eventually("the verdict", || status() == "unhealthy");
    let answer = "{{(index .State.Health.Log 0).ExitCode}} {{(index .State.Health.Log 0).Output}}";
    let answer = host.inspect("ill", answer);
    assert!(answer.starts_with("1 1000\n/tmp/well\ncat:"), "{answer}");
    let names = |filter: &str| host.buildc(&["ps", "--filter", filter, "--format", "{{.Names}} {{.Status}}"]);
    assert!(names("health=unhealthy").is_ok_and(|text| text.contains("(unhealthy)")));
    assert_eq!(names("health=healthy").as_deref(), Ok(""));
    host.buildc(&["exec", "ill", "touch", "/tmp/well"]).expect("exec");
    eventually("the recovery", || status() == "healthy");
    assert_eq!(host.inspect("ill", "{{.State.Health.FailingStreak}}"), "0");
    assert_eq!(
        host.inspect("ill", "{{json .Config.Healthcheck.Test}}"),
        "[\"CMD-SHELL\",\"id -u; echo $FILE; cat $FILE\"]"
    );
    let log = host.inspect("ill", "{{len .State.Health.Log}}");
    assert!(log.parse::<usize>().is_ok_and(|kept| kept <= 5), "{log}");
}

#[test]
fn an_images_check_times_out_and_can_be_left_out() {
    let Some(host) = Host::new() else { return };
    let dockerfile = "FROM localhost/busybox\n\
        HEALTHCHECK --interval=50ms --timeout=100ms --retries=1 CMD [\"sh\", \"-c\", \"yes; sleep 60\"]\n\
        CMD [\"sleep\", \"60\"]\n";
    let context = crate::fixture::context(host.dir.path(), "checked", dockerfile);
    host.buildc(&["build", "-q", "-t", "checked", &context.to_string_lossy()]).expect("build");
    host.buildc(&["run", "-d", "--name", "slow", "--network", "none", "checked"]).expect("run");
    eventually("the verdict", || host.inspect("slow", "{{.State.Health.Status}}") == "unhealthy");
    let answer = host
        .inspect("slow", "{{(index .State.Health.Log 0).ExitCode}} {{(index .State.Health.Log 0).Output}}");
    assert_eq!(answer, "-1 Health check exceeded timeout (100ms)");
    host.buildc(&["stop", "-t", "0", "slow"]).expect("stop");
    let words = ["run", "-d", "--name", "unchecked", "--network", "none", "--no-healthcheck", "checked"];
    host.buildc(&words).expect("run");
    assert_eq!(host.inspect("unchecked", "{{json .State.Health}} {{json .Config.Healthcheck}}"), "null null");
    let both = ["--no-healthcheck", "--health-cmd", "true", IMAGE, "true"];
    assert_eq!(host.code(&both), Some(125));
    assert_eq!(host.code(&["--health-interval", "1us", IMAGE, "true"]), Some(125));
}
