//! Clients that are slow, many or gone: each is bounded and harms nobody else.
use crate::stage::{answer, ask, plain, plain_with};
use magic_tests::{Connection, Gate, Gateway, When, wait_until_async};

#[tokio::test]
async fn a_client_that_stops_within_its_body_holds_up_nobody() {
    let (provider, gateway) = plain().await;
    provider.always(answer(false, "hi"));
    let mut slow = gateway.connect().await;
    slow.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{\"mod").await;

    assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);

    assert_eq!(provider.calls().len(), 1, "nothing is sent before a body is whole");
    drop(slow);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_body_that_arrives_byte_by_byte_is_read_whole() {
    let (provider, gateway) = plain().await;
    provider.always(answer(false, "hi"));
    let body = ask("plain", false).to_string();
    let mut slow = gateway.connect().await;
    let length = body.len();
    slow.send(
        format!("POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n").as_bytes(),
    )
    .await;
    for byte in body.as_bytes() {
        slow.send(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(slow.reply().await.status, 200);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn connections_over_the_bound_wait_and_are_served_when_a_place_is_free() {
    let (provider, gateway) = plain_with("server_settings: { connections_max: 2 }\n").await;
    let gate = Gate::default();
    provider.on(When::default().times(2), answer(false, "slow").after(&gate));
    provider.always(answer(false, "quick"));
    let first = post(&gateway).await;
    let second = post(&gateway).await;
    provider.call(1).await;

    let third = post(&gateway).await;
    // The third is not looked at while both places are taken: whoever answered it now would have read it.
    assert_eq!(provider.calls().len(), 2);
    gate.open();

    assert_eq!(first.reply().await.status, 200);
    assert_eq!(second.reply().await.status, 200);
    assert_eq!(third.reply().await.status, 200);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn requests_over_the_bound_are_503_with_retry_after_and_others_go_on() {
    let (provider, gateway) = plain_with("server_settings: { requests_in_flight_max: 1 }\n").await;
    let gate = Gate::default();
    provider.once(answer(false, "slow").after(&gate));
    provider.always(answer(false, "quick"));
    let first = post(&gateway).await;
    provider.call(0).await;

    let refused = gateway.chat(&ask("plain", false)).await;
    assert!(refused.header("retry-after").is_some());
    refused.error(503).await;
    // Whoever watches the gateway is answered all the same.
    assert_eq!(gateway.get("/healthz").await.status, 200);

    gate.open();
    assert_eq!(first.reply().await.status, 200);
    wait_until_async("the place is free again", || async { gateway.chat(&ask("plain", false)).await.status == 200 })
        .await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    let (provider, gateway) = plain().await;
    provider.always(answer(false, "hi"));
    let body = ask("plain", false).to_string();
    let one = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = gateway.connect().await;
    connection.send(one.as_bytes()).await;
    let reply = connection.reply().await;
    let (text, mut connection) = reply.whole_and_connection().await;
    assert!(!text.is_empty());
    connection.send(one.as_bytes()).await;
    assert_eq!(connection.reply().await.status, 200);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn what_is_no_http_is_refused_without_a_call() {
    let (provider, gateway) = plain().await;
    let mut connection = gateway.connect().await;
    connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").await;
    let reply = connection.reply().await;
    assert_eq!(reply.status, 400);
    drop(reply);
    gateway.finish(&[&provider]).await;
}

async fn post(gateway: &Gateway) -> Connection {
    gateway.begin("/v1/chat/completions", &ask("plain", false)).await
}
