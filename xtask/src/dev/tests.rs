use super::*;

fn sh(script: &str) -> Command {
    let mut sh = Command::new("/bin/sh");
    sh.args(["-c", script]);
    sh
}

#[test]
fn the_gateway_gets_what_was_asked_for_and_nothing_else() {
    let plain = Run { listen: None, config: None, no_model: true, args: Vec::new() };
    assert_eq!(shell::typed(&gateway(Path::new("/r"), &plain, None)), "magic-proxy serve");
    let asked = Run {
        listen: Some("127.0.0.1:0".to_owned()),
        config: Some("my.yaml".into()),
        no_model: true,
        args: vec!["--log-format".into(), "json".into()],
    };
    assert_eq!(
        shell::typed(&gateway(Path::new("/r"), &asked, None)),
        "magic-proxy serve --listen 127.0.0.1:0 --config my.yaml --log-format json"
    );
}

#[test]
fn the_exit_code_is_the_gateways() {
    let code = |script| format!("{:?}", foreground(&mut sh(script)).unwrap());
    assert_eq!(code("exit 0"), format!("{:?}", ExitCode::SUCCESS));
    assert_eq!(code("exit 2"), format!("{:?}", ExitCode::from(2)));
    assert_eq!(code("kill -KILL $$"), format!("{:?}", ExitCode::FAILURE));
}

#[test]
fn a_signal_reaches_the_gateway() {
    let mut child = sh("read forever").stdin(Stdio::piped()).spawn().unwrap();
    forward(SIGTERM, child.id());
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(SIGTERM));
}
