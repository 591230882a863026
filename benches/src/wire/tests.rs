use super::{Head, Length, head, request};

#[test]
fn a_head_is_read_once_it_is_whole() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 12\r\n\r\nand a body..";
    assert_eq!(head(&reply[..40]).unwrap(), None);
    let expected = Head { status: Some(200), bytes: reply.len() - 12, length: Length::Known(12) };
    assert_eq!(head(reply).unwrap(), Some(expected));
}

#[test]
fn a_chunked_body_has_no_known_length() {
    let read = head(b"HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n").unwrap().unwrap();
    assert_eq!((read.status, read.length), (Some(503), Length::Chunked));
}

#[test]
fn our_own_request_says_its_length() {
    let request = request("whole", false);
    let read = head(&request).unwrap().unwrap();
    assert_eq!((read.status, read.length), (None, Length::Known(request.len() - read.bytes)));
}
