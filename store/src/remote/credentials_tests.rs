use super::*;

fn password(username: &str, password: &str) -> Option<Credential> {
    Some(Credential::Password { username: username.to_owned(), password: password.to_owned() })
}

fn same(found: Option<Credential>, wanted: Option<Credential>) -> bool {
    found == wanted
}

#[test]
fn the_longest_key_wins_and_docker_hub_has_many_names() {
    let auth = |text: &str| json!({ "auth": STANDARD.encode(text) });
    let document = json!({ "auths": {
        "https://index.docker.io/v1/": auth("hub:p"),
        "r.example": auth("host:p"),
        "r.example/team": auth("team:p\0\0"),
        "https://old.example/v2/": { "username": "u", "password": "a:b" },
        "tok.example": { "identitytoken": "t", "auth": STANDARD.encode("x:y") },
    }});
    let find = |host, path| find_in(&document, host, path).unwrap();
    assert!(same(find("docker.io", "library/x"), password("hub", "p")));
    assert!(same(find("r.example", "teamx/y"), password("host", "p")));
    assert!(same(find("r.example", "team/y"), password("team", "p")));
    assert!(same(find("old.example", "z"), password("u", "a:b")));
    assert!(same(find("tok.example", "z"), Some(Credential::IdentityToken("t".to_owned()))));
    assert!(find("other.example", "z").is_none());
}

#[test]
fn login_keeps_unknown_fields_and_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sub/config.json");
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    std::fs::write(&file, r#"{"psFormat":"x","auths":{"a.example":{"auth":"YTpi","extra":1}}}"#).unwrap();
    let files = CredentialFiles::at(vec![file.clone()]);
    assert_eq!(files.keep("b.example:5000", "me", "pw").unwrap(), StoredIn::File(file.clone()));
    assert!(same(files.find("b.example:5000", "x").unwrap(), password("me", "pw")));
    let document: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(document["psFormat"], "x");
    assert_eq!(document["auths"]["a.example"]["extra"], 1);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(files.forget("b.example:5000").unwrap());
    assert!(!files.forget("b.example:5000").unwrap());
    assert!(files.find("b.example:5000", "x").unwrap().is_none());
}

#[test]
fn a_symlinked_file_stays_a_symlink() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("real.json"), dir.path().join("config.json"));
    std::fs::write(&real, "{}").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    CredentialFiles::at(vec![link.clone()]).keep("a.example", "u", "p").unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(std::fs::read_to_string(&real).unwrap().contains("a.example"));
}

#[test]
fn a_broken_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.json");
    std::fs::write(&file, "{").unwrap();
    let error = CredentialFiles::at(vec![file.clone()]).find("a.example", "x").err().unwrap();
    assert!(error.to_string().contains("config.json"));
}
