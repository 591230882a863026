use super::*;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

#[tokio::test]
async fn a_client_that_takes_nothing_is_let_go() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut guarded = Guarded { stream, stalled: None, max: Duration::from_millis(1) };
    // More than any socket's buffers hold, which is all that such a client takes.
    let error = guarded.write_all(&vec![0; 256 << 20]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(client);
}
