//! The images that exist in tests: a resolver that knows five names and refuses all others as a registry does.

use std::collections::BTreeMap;

use buildc_digest::Digest;
use buildc_ir::git::GitRemote;
use buildc_ir::world::{ResolvedImage, Resolver, WorldError};
use buildc_ir::{Healthcheck, History, ImageConfig, Platform, Reference};

/// Answers for `base:1`, `bare:1`, `rich:1`, `trigger:1`, `copytrigger:1`, each for any platform.
#[derive(Clone, Debug)]
pub struct Images {
    known: BTreeMap<&'static str, ImageConfig>,
}

impl Images {
    /// The five images.
    pub fn new() -> Self {
        let empty = || ImageConfig::scratch(Platform::normalised("linux", "amd64", None));
        let mut base = empty();
        base.set_env("PATH", "/usr/bin:/bin");
        base.cmd = Some(vec!["sh".to_owned()]);
        let mut trigger = base.clone();
        trigger.on_build = ["ARG MODE=fast", "RUN make $MODE", "COPY <<EOF /f\nx\nEOF", "WORKDIR sub"]
            .map(str::to_owned)
            .to_vec();
        let mut copytrigger = base.clone();
        copytrigger.on_build = vec!["COPY --from=tools /t /t".to_owned()];
        let known = [
            ("docker.io/library/base:1", base.clone()),
            ("docker.io/library/bare:1", empty()),
            ("docker.io/library/rich:1", rich(base)),
            ("docker.io/library/trigger:1", trigger),
            ("docker.io/library/copytrigger:1", copytrigger),
        ];
        Self { known: known.into_iter().collect() }
    }
}

impl Default for Images {
    fn default() -> Self {
        Self::new()
    }
}

/// An image that sets everything a child can inherit.
fn rich(base: ImageConfig) -> ImageConfig {
    let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    ImageConfig {
        user: "app:staff".to_owned(),
        working_dir: "/srv/".to_owned(),
        env: [("PATH", "/bin"), ("A", "base"), ("B", "base")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .to_vec(),
        entrypoint: Some(words(&["/entry"])),
        cmd: Some(words(&["serve"])),
        exposed_ports: words(&["80/tcp"]).into_iter().collect(),
        volumes: words(&["/data"]).into_iter().collect(),
        labels: [("vendor", "base"), ("kept", "yes")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        shell: Some(words(&["/bin/bash", "-ec"])),
        stop_signal: Some("SIGINT".to_owned()),
        healthcheck: Some(Healthcheck { test: words(&["CMD", "ok"]), ..Healthcheck::default() }),
        ..base
    }
}

impl Resolver for Images {
    fn resolve(&self, reference: &Reference, platform: &Platform) -> Result<ResolvedImage, WorldError> {
        let name = reference.to_string();
        let Some(config) = self.known.get(name.as_str()) else {
            return Err(WorldError {
                code: "registry::not_found",
                message: format!("image `{}` was not found: docker.io said 404", reference.familiar()),
                help: Some("Check the name and the tag, or `buildc load` it first".to_owned()),
            });
        };
        let mut config = config.clone();
        config.platform = platform.clone();
        let manifest = Digest::of(format!("{name} {platform}").as_bytes());
        let history = vec![History { created_by: Some(format!("made {name}")), ..History::default() }];
        Ok(ResolvedImage { manifest, config, history })
    }

    fn commit(&self, remote: &GitRemote) -> Result<String, WorldError> {
        let name = format!("{}#{}", remote.url, remote.reference);
        Ok(Digest::of(name.as_bytes()).to_string().chars().rev().take(40).collect())
    }
}
