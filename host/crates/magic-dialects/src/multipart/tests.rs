use super::{Form, parameter};
use magic_types::Failure;

const TYPE: &str = "multipart/form-data; boundary=\"x-Y z\"";
const BODY: &str = concat!(
    "--x-Y z\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".wav\"\r\nContent-Type: audio/wav\r\n\r\n",
    "RIFF\r\n--x-Y \r\n-\r\n\r\n\0ü\r\n",
    "--x-Y z\r\ncontent-disposition:form-data;name=model\r\n\r\nwhisper-1\r\n",
    "--x-Y z \t\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n",
    "--x-Y z\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nGrüße\r\n",
    "--x-Y z--\r\nepilogue\r\n--x-Y z\r\n",
);

fn read(chunks: &[&[u8]]) -> Result<Form, Failure> {
    let mut form = Form::new(TYPE)?;
    chunks.iter().try_for_each(|chunk| form.push(chunk)).map(|()| form)
}

#[test]
fn files_and_texts_are_read_whatever_is_in_them() {
    let form = read(&[BODY.as_bytes()]).expect("good");
    assert!(form.is_whole());
    let file = &form.fields()[0];
    assert_eq!((file.name.as_str(), file.filename.as_deref()), ("file", Some("a \"b\".wav")));
    assert_eq!(file.content_type.as_deref(), Some("audio/wav"));
    assert_eq!(form.value(file), "RIFF\r\n--x-Y \r\n-\r\n\r\n\0ü".as_bytes());
    assert_eq!(
        (form.text("model"), form.text("empty"), form.text("prompt")),
        (Some("whisper-1"), Some(""), Some("Grüße"))
    );
    assert_eq!(form.text("file"), None);
    assert_eq!(form.fields().len(), 4);
}

#[test]
fn every_split_reads_alike() {
    let whole = read(&[BODY.as_bytes()]).expect("good");
    for cut in 0..=BODY.len() {
        let (head, tail) = BODY.as_bytes().split_at(cut);
        let form = read(&[head, tail]).expect("good");
        assert!(form.is_whole() && form.fields() == whole.fields(), "cut at byte {cut}");
    }
    let bytes: Vec<&[u8]> = BODY.as_bytes().chunks(1).collect();
    assert_eq!(read(&bytes).expect("good").fields(), whole.fields());
}

#[test]
fn a_field_is_known_as_soon_as_its_delimiter_is() {
    let end = BODY.find("whisper-1").expect("there") + "whisper-1\r\n--x-Y z".len();
    let (head, _) = BODY.as_bytes().split_at(end);
    let form = read(&[head]).expect("good");
    assert_eq!((form.text("model"), form.is_whole()), (Some("whisper-1"), false));
    let (head, _) = BODY.as_bytes().split_at(end - 1);
    assert_eq!(read(&[head]).expect("good").text("model"), None);
}

#[test]
fn only_the_value_changes_in_a_form_that_is_sent_on() {
    let form = read(&[BODY.as_bytes()]).expect("good");
    assert_eq!(form.with("model", "vendor/m"), BODY.replace("whisper-1", "vendor/m").into_bytes());
    assert_eq!(form.with("nobody", "x"), form.held());
    let filled = BODY.replace("name=\"empty\"\r\n\r\n", "name=\"empty\"\r\n\r\nnow");
    assert_eq!(form.with("empty", "now"), filled.into_bytes());
}

#[test]
fn a_preamble_means_nothing() {
    let body = format!("hello\r\n{BODY}");
    assert_eq!(read(&[body.as_bytes()]).expect("good").text("model"), Some("whisper-1"));
}

#[test]
fn what_is_no_form_is_refused() {
    for bad in
        ["application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=a"]
    {
        assert!(Form::new(bad).is_err(), "{bad}");
    }
    assert!(Form::new(&format!("multipart/form-data; boundary={}", "b".repeat(71))).is_err());
    assert!(Form::new("Multipart/Form-Data; charset=utf-8; Boundary=a").is_ok());
    for bad in ["--x-Y z?\r\n", "--x-Y z\r\nA: b\r\n\r\nv\r\n--x-Y z--"] {
        assert!(read(&[bad.as_bytes()]).is_err(), "{bad}");
    }
    let endless = format!("--x-Y z\r\nA: {}", "b".repeat(20_000));
    assert!(read(&[endless.as_bytes()]).is_err());
    let field = "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--x-Y z";
    assert!(read(&[format!("--x-Y z{}", field.repeat(129)).as_bytes()]).is_err());
}

#[test]
fn parameters_are_read_quoted_and_bare() {
    assert_eq!(parameter("form-data; filename=\"name=x; y\"; name=\"n\"", "name").as_deref(), Some("n"));
    assert_eq!(parameter("form-data; name = n ; filename=f", "filename").as_deref(), Some("f"));
    assert_eq!(parameter("form-data; filename=\"C:\\dir\\a%22.wav\"", "filename").as_deref(), Some("C:\\dir\\a\".wav"));
    assert_eq!(parameter("form-data", "name"), None);
    assert_eq!(parameter("form-data; name=\"open", "name").as_deref(), Some("open"));
}

#[test]
fn random_bytes_never_panic() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for _ in 0..3_000 {
        let mut body = BODY.as_bytes().to_vec();
        for _ in 0..next() % 5 {
            let (at, byte) = (next() as usize % body.len(), next() as u8);
            body[at] = byte;
        }
        let split = next() as usize % body.len();
        let (head, tail) = body.split_at(split);
        let (whole, parts) = (read(&[&body]), read(&[head, tail]));
        // A failure may come with the first chunk or the second, and is the same.
        assert_eq!(whole.map(|form| form.fields().to_vec()), parts.map(|form| form.fields().to_vec()));
    }
}
