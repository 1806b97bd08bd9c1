//! `created_by` texts, byte for byte as BuildKit writes them (spec/dockerfile.md, History).

use buildc_ir::Healthcheck;

use crate::dockerfile::healthcheck::go_duration;
use crate::dockerfile::quote;

/// What BuildKit puts behind the text of steps that make a layer by RUN, COPY or ADD.
pub const LAYER_SUFFIX: &str = " # buildkit";

/// A RUN: ARGs in scope in declaration order, then the argument vector.
pub fn run(args: &[String], scope: &[(String, String)]) -> String {
    let mut words = Vec::new();
    if !scope.is_empty() {
        words.push(format!("|{}", scope.len()));
        words.extend(scope.iter().map(|(name, value)| format!("{name}={value}")));
    }
    words.extend(args.iter().cloned());
    format!("RUN {}{LAYER_SUFFIX}", words.join(" "))
}

/// CMD and ENTRYPOINT: Go's `%q` of a slice.
pub fn quoted_list(name: &str, args: &[String]) -> String {
    format!("{name} {}", quote::go_list(args.iter().map(String::as_str)))
}

/// EXPOSE, VOLUME and SHELL: Go's `%v` of a slice.
pub fn plain_list(name: &str, args: &[String]) -> String {
    format!("{name} [{}]", args.join(" "))
}

/// HEALTHCHECK: Go's `%+v` of the struct.
pub fn healthcheck(check: &Healthcheck) -> String {
    format!(
        "HEALTHCHECK {{Test:[{}] Interval:{} Timeout:{} StartPeriod:{} StartInterval:{} Retries:{}}}",
        check.test.join(" "),
        go_duration(check.interval_ns),
        go_duration(check.timeout_ns),
        go_duration(check.start_period_ns),
        go_duration(check.start_interval_ns),
        check.retries
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_spellings() {
        let args = ["/bin/sh".to_owned(), "-c".to_owned(), "echo \"hi\"\t\u{1}é".to_owned()];
        assert_eq!(quoted_list("CMD", &args), r#"CMD ["/bin/sh" "-c" "echo \"hi\"\t\x01é"]"#);
        assert_eq!(quoted_list("CMD", &[]), "CMD []");
        let scope = [("A".to_owned(), "1".to_owned())];
        assert_eq!(run(&args[..2], &scope), "RUN |1 A=1 /bin/sh -c # buildkit");
    }
}
