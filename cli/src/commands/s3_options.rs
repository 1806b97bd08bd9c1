//! The keys of a cache in an S3 bucket, as BuildKit has them, and where what they leave out comes from.

use buildc_store::remote::S3Place;

use super::export::truth;
use super::export_form::fields;

/// What a cache is called when nothing is said. BuildKit's caches, which hold something else, are called `buildkit`.
const DEFAULT_NAME: &str = "buildc";

/// The keys that were given.
#[derive(Default)]
pub struct S3Options {
    bucket: Option<String>,
    region: Option<String>,
    endpoint_url: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    session_token: Option<String>,
    prefix: Option<String>,
    blobs_prefix: Option<String>,
    manifests_prefix: Option<String>,
    name: Option<String>,
    use_path_style: bool,
}

impl S3Options {
    /// Takes a key; false when it is none of these.
    pub fn take(&mut self, key: &str, value: &str) -> Result<bool, String> {
        let place = match key {
            "bucket" => &mut self.bucket,
            "region" => &mut self.region,
            "endpoint_url" => &mut self.endpoint_url,
            "access_key_id" => &mut self.access_key_id,
            "secret_access_key" => &mut self.secret_access_key,
            "session_token" => &mut self.session_token,
            "prefix" => &mut self.prefix,
            "blobs_prefix" => &mut self.blobs_prefix,
            "manifests_prefix" => &mut self.manifests_prefix,
            "name" => &mut self.name,
            "use_path_style" => {
                self.use_path_style = truth(key, value)?;
                return Ok(true);
            }
            // How BuildKit spreads and renews objects; nothing depends on it here.
            "touch_refresh" | "upload_parallelism" => return Ok(true),
            _ => return Ok(false),
        };
        *place = Some(value.to_owned());
        Ok(true)
    }

    /// The place, with what is missing from the variables that Amazon's tools read.
    pub fn place(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<S3Place, String> {
        let given = |own: &Option<String>, names: &[&str]| {
            let own = own.clone().or_else(|| names.iter().find_map(|name| environment(name)));
            own.filter(|text| !text.is_empty())
        };
        let bucket = given(&self.bucket, &["AWS_BUCKET"]).ok_or("bucket= is missing")?;
        let region = given(&self.region, &["AWS_REGION", "AWS_DEFAULT_REGION"])
            .ok_or("region= is missing; it may also be the variable AWS_REGION")?;
        let id = given(&self.access_key_id, &["AWS_ACCESS_KEY_ID"]);
        let secret = given(&self.secret_access_key, &["AWS_SECRET_ACCESS_KEY"]);
        // A token belongs to the keys that it was given with.
        let token_name: &[&str] = if self.access_key_id.is_some() { &[] } else { &["AWS_SESSION_TOKEN"] };
        let credentials = match (id, secret) {
            (Some(id), Some(secret)) => Some((id, secret, given(&self.session_token, token_name))),
            (None, None) => None,
            (Some(_), None) => return Err("secret_access_key= is missing".to_owned()),
            (None, Some(_)) => return Err("access_key_id= is missing".to_owned()),
        };
        let endpoint_url = given(&self.endpoint_url, &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]);
        if let Some(url) = endpoint_url.as_ref().filter(|url| !url.starts_with("http")) {
            return Err(format!("endpoint_url `{url}` is no http address"));
        }
        let names = self.name.as_deref().unwrap_or(DEFAULT_NAME).split(';').map(str::to_owned);
        let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return Err("name= is empty".to_owned());
        }
        Ok(S3Place {
            bucket,
            region,
            endpoint_url,
            path_style: self.use_path_style,
            credentials,
            prefix: self.prefix.clone().unwrap_or_default(),
            blobs_prefix: self.blobs_prefix.clone().unwrap_or_else(|| "blobs/".to_owned()),
            manifests_prefix: self.manifests_prefix.clone().unwrap_or_else(|| "manifests/".to_owned()),
            names,
        })
    }
}

/// An option as messages show it: without keys and tokens.
pub fn shown(option: &str) -> String {
    let secret = |key: &str| ["access_key_id", "secret_access_key", "session_token"].contains(&key);
    let field = |field: &String| match field.split_once('=') {
        Some((key, _)) if secret(key) => format!("{key}=***"),
        _ => field.clone(),
    };
    fields(option).iter().map(field).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_show_no_secrets() {
        let option = "type=s3,bucket=b,secret_access_key=s,session_token=t,access_key_id=i";
        let want = "type=s3,bucket=b,secret_access_key=***,session_token=***,access_key_id=***";
        assert_eq!(shown(option), want);
    }

    #[test]
    fn keys_go_before_variables() {
        let mut options = S3Options::default();
        for (key, value) in
            [("bucket", "b"), ("name", "a;b"), ("use_path_style", "true"), ("touch_refresh", "1h")]
        {
            assert!(options.take(key, value).unwrap(), "{key}");
        }
        assert!(!options.take("ref", "x").unwrap());
        let environment = |name: &str| match name {
            "AWS_REGION" => Some("r".to_owned()),
            "AWS_ACCESS_KEY_ID" => Some("id".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("secret".to_owned()),
            "AWS_SESSION_TOKEN" => Some("token".to_owned()),
            _ => None,
        };
        let place = options.place(&environment).unwrap();
        assert_eq!((place.region.as_str(), place.names.len(), place.path_style), ("r", 2, true));
        assert_eq!(place.credentials, Some(("id".into(), "secret".into(), Some("token".into()))));
        options.take("access_key_id", "other").unwrap();
        assert_eq!(options.place(&environment).unwrap().credentials.unwrap().2, None);
        assert!(options.place(&|_| None).unwrap_err().contains("region="));
    }
}
