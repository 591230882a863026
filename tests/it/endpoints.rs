//! The endpoints beside chat: each path, over vendors that have it, over those that have it in other words, and over those
//! that cannot.
use crate::stage::{plain, plain_with, plain_yaml};
use magic_tests::{
    Connection, Folder, GREETING, Gate, Gateway, Provider, Reply, Script, When, little_model, wait_until, within,
};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Alias `alias`, with the little model behind it in this vendor's dialect.
async fn over(vendor: &str, model: &str) -> (Provider, Gateway) {
    let provider = little_model().await;
    let yaml = plain_yaml(&provider.base())
        .replace("provider: local", &format!("provider: {vendor}"))
        .replace("vendor-model", model)
        .replace("plain:", "alias:");
    let folder = Folder::new(&yaml).keys(vendor, &[&format!("sk-endpoints-{vendor}")]);
    (provider, Gateway::start(folder).await)
}

/// Two profiles of OpenAI's dialect behind `alias`, told apart by path.
async fn of_two_profiles() -> (Provider, Gateway) {
    let provider = Provider::start().await;
    let profile = |name: &str| {
        let base = provider.base_of(name);
        format!(
            "  - {{ model_name: {name}, provider: local, model_params: {{ model: {name}-model, api_base: \"{base}\" }} }}\n"
        )
    };
    let yaml = format!(
        "model_list:\n{}{}router_settings:\n  model_group_alias: {{ alias: [first, second] }}\n",
        profile("first"),
        profile("second")
    );
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    (provider, gateway)
}

async fn good(reply: Reply) -> Value {
    let status = reply.status;
    let body = reply.json().await;
    assert_eq!(status, 200, "{body}");
    body
}

#[tokio::test]
async fn what_the_vendor_has_itself_passes_byte_for_byte_with_its_models_name() {
    let (provider, gateway) = plain().await;
    let reply = "{\"odd\" : 1.0,\n \"data\":[\"\\u00e9\"]}";
    provider.always(Script::bytes(200, "application/json", reply));
    for (number, path) in
        ["/v1/completions", "/v1/embeddings", "/v1/images/generations", "/v1/moderations"].into_iter().enumerate()
    {
        let body = "{ \"input\": \"h\\u00e9\", \"model\" : \"plain\", \"x\": [1.0, 2] }";
        let answer = gateway.post_bytes(path, body.as_bytes()).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path}");
        assert_eq!(answer.text().await, reply, "{path}");
        let call = provider.call(number).await;
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", path));
        assert_eq!(String::from_utf8(call.body).unwrap(), body.replace("plain", "vendor-model"), "{path}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn every_endpoint_names_an_unknown_alias_and_falls_back() {
    let (provider, gateway) = of_two_profiles().await;
    provider.on(When::under("first"), Script::error(503, "not now"));
    provider.on(When::under("second"), Script::json(200, &json!({ "data": [] })));
    for path in ["/v1/completions", "/v1/embeddings", "/v1/audio/speech", "/v1/images/generations", "/v1/moderations"] {
        let error = gateway.post(path, &json!({ "model": "nobody", "input": "x" })).await.error(404).await;
        assert!(error["message"].as_str().unwrap().contains("nobody"), "{path}: {error}");
        let reply = gateway.post(path, &json!({ "model": "alias", "input": "x", "prompt": "x" })).await;
        assert_eq!(
            (reply.status, reply.header("x-magic-route").unwrap().contains("second=served")),
            (200, true),
            "{path}"
        );
        reply.whole().await;
        assert_eq!(provider.calls().pop().unwrap().json()["model"], "second-model", "{path}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn text_completions_work_over_every_vendor() {
    for (vendor, model) in [("openai", "little"), ("anthropic", "little"), ("google", "gemini-3-little")] {
        let (provider, gateway) = over(vendor, model).await;
        let whole = good(gateway.post("/v1/completions", &json!({ "model": "alias", "prompt": "hello" })).await).await;
        assert_eq!(
            (&whole["object"], &whole["choices"][0]["text"]),
            (&json!("text_completion"), &json!(GREETING)),
            "{vendor}"
        );
        assert_eq!(whole["usage"]["total_tokens"], 18, "{vendor}");

        let body = json!({ "model": "alias", "prompt": "hello", "stream": true });
        let stream = gateway.post("/v1/completions", &body).await.text().await;
        let frames = magic_tests::data_frames(&stream);
        let text: String = frames.iter().filter_map(|frame| frame["choices"][0]["text"].as_str()).collect();
        assert_eq!(text, GREETING, "{vendor}");
        assert!(stream.ends_with("data: [DONE]\n\n"), "{vendor}: {stream}");
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn googles_embeddings_come_in_openais_shape() {
    let (provider, gateway) = over("google", "gemini-embedding-001").await;
    let body = json!({ "model": "alias", "input": ["one", "two"], "dimensions": 4 });
    let found = good(gateway.post("/v1/embeddings", &body).await).await;
    assert_eq!(found["object"], "list");
    let data = found["data"].as_array().unwrap();
    assert_eq!(data.len(), 2);
    for (at, item) in data.iter().enumerate() {
        assert_eq!(
            (&item["object"], &item["index"], item["embedding"].as_array().unwrap().len()),
            (&json!("embedding"), &json!(at), 4)
        );
    }
    let call = provider.call(0).await;
    assert!(call.path.ends_with("/models/gemini-embedding-001:batchEmbedContents"), "{}", call.path);
    assert!(String::from_utf8(call.body).unwrap().contains("\"outputDimensionality\":4"));

    let body = json!({ "model": "alias", "input": "one", "encoding_format": "base64" });
    let found = good(gateway.post("/v1/embeddings", &body).await).await;
    assert_eq!(found["data"][0]["embedding"].as_str().unwrap().len(), 24, "four floats: {found}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_8_what_a_vendor_cannot_is_a_400_with_the_reason_and_asks_nobody() {
    let (provider, gateway) = over("anthropic", "little").await;
    for (path, reason) in [
        ("/v1/embeddings", "has no embeddings"),
        ("/v1/audio/speech", "speaks no text"),
        ("/v1/images/generations", "makes no images"),
        ("/v1/moderations", "has no moderations"),
    ] {
        let reply = gateway.post(path, &json!({ "model": "alias", "input": "x", "prompt": "x" })).await;
        let route = reply.header("x-magic-route").map(str::to_owned);
        let error = reply.error(400).await;
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(reason), "{path}: {message} ({route:?})");
    }
    let reply = transcribe(&gateway, &form(&[MODEL, FILE])).await;
    let error = reply.error(400).await;
    assert!(error["message"].as_str().unwrap().contains("transcribes no audio"), "{error}");
    assert_eq!(provider.calls().len(), 0);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn sound_passes_as_it_comes() {
    let (provider, gateway) = plain().await;
    let sound: Vec<u8> = (0..100_000_u32).map(|at| (at % 256) as u8).collect();
    provider.once(Script::bytes(200, "audio/mpeg", sound.clone()));

    let reply =
        gateway.post("/v1/audio/speech", &json!({ "model": "plain", "input": "hello", "voice": "alloy" })).await;

    assert_eq!((reply.status, reply.header("content-type")), (200, Some("audio/mpeg")));
    assert!(reply.whole().await == sound, "every byte, in order");
    assert_eq!(provider.call(0).await.json()["voice"], "alloy");
    gateway.finish(&[&provider]).await;
}

/// Everything that comes until the gateway closes the connection.
async fn raw(address: SocketAddr, path: &str, body: &Value) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut all = Vec::new();
    // A reset is an end as well.
    let _end = within("the gateway closes the connection", stream.read_to_end(&mut all)).await;
    all
}

#[tokio::test]
async fn field_5_sound_that_is_cut_breaks_the_connection_rather_than_looking_whole() {
    let (provider, gateway) = plain().await;
    let sound = vec![7_u8; 5000];
    provider
        .once(Script::bytes(200, "audio/mpeg", sound.clone()))
        .once(Script::bytes(200, "audio/mpeg", sound).cut_after(2000));
    let body = json!({ "model": "plain", "input": "hello", "voice": "alloy" });
    let is_whole = |reply: &[u8]| {
        let text = String::from_utf8_lossy(reply);
        let (head, rest) = text.split_once("\r\n\r\n").unwrap();
        let head = head.to_ascii_lowercase();
        match head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
            Some(length) => rest.len() == length.parse::<usize>().unwrap(),
            None => rest.ends_with("0\r\n\r\n"),
        }
    };
    assert!(is_whole(&raw(gateway.address(), "/v1/audio/speech", &body).await));

    let cut = raw(gateway.address(), "/v1/audio/speech", &body).await;

    assert!(cut.starts_with(b"HTTP/1.1 200") && !is_whole(&cut), "{:?}", String::from_utf8_lossy(&cut));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn googles_speech_is_a_wav_file() {
    let (provider, gateway) = over("google", "gemini-2.5-flash-preview-tts").await;
    let body = json!({ "model": "alias", "input": "Say it.", "voice": "alloy", "response_format": "wav" });
    let reply = gateway.post("/v1/audio/speech", &body).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("audio/wav")));
    let sound = reply.whole().await;
    assert!(sound.starts_with(b"RIFF") && sound[8..12] == *b"WAVE", "a header");
    assert_eq!(sound.len(), 44 + 4800, "and every sample");

    let body = json!({ "model": "alias", "input": "Say it.", "voice": "alloy", "response_format": "pcm" });
    assert_eq!(gateway.post("/v1/audio/speech", &body).await.whole().await.len(), 4800);
    gateway.finish(&[&provider]).await;
}

type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);
const MODEL: Part<'static> = ("model", None, b"alias");
const FILE: Part<'static> = ("file", Some("speech.wav"), b"RIFF\0\x01\r\n--magi\r\n--\xff\xfe sound");
const FORM: &str = "multipart/form-data; boundary=magic";

fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, file, content) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"\r\ncontent-type: audio/wav")).unwrap_or_default();
        form.extend(format!("--magic\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes());
        form.extend_from_slice(content);
        form.extend(b"\r\n");
    }
    form.extend(b"--magic--\r\n");
    form
}

async fn transcribe(gateway: &Gateway, form: &[u8]) -> Reply {
    let headers = [("content-type", FORM)];
    gateway.connect().await.request("POST", "/v1/audio/transcriptions", &headers, form).await
}

#[tokio::test]
async fn a_form_passes_with_the_model_first_or_last_and_only_the_models_name_changes() {
    let (provider, gateway) = of_two_profiles().await;
    provider.always(Script::json(200, &json!({ "text": "heard" })));
    let language: Part<'_> = ("language", None, "fran\u{e7}ais".as_bytes());
    for (number, parts) in
        [[MODEL, language, FILE], [FILE, language, MODEL], [language, FILE, MODEL]].iter().enumerate()
    {
        let reply = transcribe(&gateway, &form(parts)).await;
        assert_eq!(good(reply).await, json!({ "text": "heard" }));
        let call = provider.call(number).await;
        assert_eq!(call.path, "/first/v1/audio/transcriptions");
        assert_eq!(call.header("content-type"), Some(FORM));
        let expected =
            parts.map(|part| if part.0 == "model" { ("model", None, b"first-model".as_slice()) } else { part });
        assert_eq!(String::from_utf8_lossy(&call.body), String::from_utf8_lossy(&form(&expected)));
        assert!(call.body == form(&expected), "byte for byte");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_fallback_is_sent_the_same_form() {
    let (provider, gateway) = of_two_profiles().await;
    provider.on(When::under("first"), Script::error(500, "not now"));
    provider.on(When::under("second"), Script::json(200, &json!({ "text": "heard" })));
    let large = vec![b'x'; 300_000];
    let file = ("file", Some("long.wav"), large.as_slice());

    assert_eq!(good(transcribe(&gateway, &form(&[MODEL, file])).await).await["text"], "heard");

    let calls = provider.calls();
    assert_eq!(calls.len(), 2);
    for (call, model) in calls.iter().zip(["first-model", "second-model"]) {
        assert!(call.body == form(&[("model", None, model.as_bytes()), file]), "{model}: {} bytes", call.body.len());
    }
    gateway.finish(&[&provider]).await;
}

/// A vendor that says how many bytes it has, and answers when it has seen the form's end.
async fn listener() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut some = vec![0; 4096];
        while let Ok(bytes @ 1..) = stream.read(&mut some).await {
            shared.lock().unwrap().extend_from_slice(&some[..bytes]);
            let is_over = shared.lock().unwrap().windows(9).any(|window| window == b"--magic--");
            if is_over {
                let reply = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 16\r\n\r\n{\"text\":\"heard\"}";
                stream.write_all(reply.as_bytes()).await.unwrap();
                return;
            }
        }
    });
    (base, seen)
}

#[tokio::test]
async fn an_upload_streams_through() {
    let (base, seen) = listener().await;
    let gateway = Gateway::start(Folder::new(&plain_yaml(&base).replace("plain:", "alias:"))).await;
    let has = |what: &str| String::from_utf8_lossy(&seen.lock().unwrap()).contains(what);
    let sound = [b"first bytes ".as_slice(), &[b'.'; 20_000], b" last bytes"].concat();
    let form = form(&[MODEL, ("file", Some("a.wav"), &sound)]);
    let half = form.len() / 2;
    let mut connection: Connection = gateway.connect().await;
    let head = format!(
        "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-type: {FORM}\r\ncontent-length: {}\r\n\r\n",
        form.len()
    );
    connection.send(head.as_bytes()).await;
    connection.send(&form[..half]).await;

    wait_until("the vendor sees the first bytes", || has("first bytes")).await;

    assert!(!has("last bytes") && has("vendor-model"));
    connection.send(&form[half..]).await;
    assert_eq!(good(connection.reply().await).await["text"], "heard");
    assert!(has("last bytes"));
    gateway.finish(&[]).await;
}

#[tokio::test]
async fn a_form_that_is_no_good_is_refused_with_the_reason() {
    let (provider, gateway) = plain_with("server_settings: { body_bytes_max: 4KiB }\n").await;
    // Where the form streams through, the vendor may have been asked already.
    provider.answers(|_| Script::json(200, &json!({ "text": "heard" })));
    let large = vec![b'x'; 8000];
    let plain: Part<'_> = ("model", None, b"plain");
    let file = ("file", Some("long.wav"), large.as_slice());
    for (what, parts, status, says) in [
        ("too large, model last", vec![file, plain], 413, "4096"),
        ("too large, model first", vec![plain, file], 413, "4096"),
        ("two models", vec![plain, plain, FILE], 400, "twice"),
        ("two models apart", vec![plain, FILE, MODEL], 400, "twice"),
        ("no model", vec![FILE], 400, "model"),
        ("an unknown alias", vec![("model", None, b"nobody"), FILE], 404, "nobody"),
    ] {
        let reply = transcribe(&gateway, &form(&parts)).await;
        assert_eq!(reply.status, status, "{what}");
        let error = reply.error(status).await;
        assert!(error["message"].as_str().unwrap().contains(says), "{what}: {error}");
    }
    let reply = gateway.post("/v1/audio/transcriptions", &json!({ "model": "plain" })).await;
    let error = reply.error(400).await;
    assert!(error["message"].as_str().unwrap().contains("multipart"), "{error}");
    gateway.finish(&[&provider]).await;
}

/// By then a vendor has been sent the beginning: it must not take it for the whole, nor be blamed.
#[tokio::test]
async fn a_form_that_turns_out_to_be_no_good_on_its_way_is_refused_with_the_reason() {
    let (provider, gateway) = plain_with("server_settings: { body_bytes_max: 64KiB }\n").await;
    let large = vec![b'x'; 100_000];
    let plain: Part<'_> = ("model", None, b"plain");
    for (parts, status, says) in [
        ([plain, ("file", Some("long.wav"), large.as_slice()), ("prompt", None, b"x")], 413, "65536"),
        ([plain, ("file", Some("short.wav"), &large[..30_000]), plain], 400, "twice"),
    ] {
        let mut connection = gateway.connect().await;
        let head = format!(
            "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-type: {FORM}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        connection.send(head.as_bytes()).await;
        let form = form(&parts);
        let (first, rest) = form.split_at(1000);
        connection.send(&[format!("{:x}\r\n", first.len()).as_bytes(), first, b"\r\n"].concat()).await;
        wait_until("the vendor is called", || provider.open_connections() > 0).await;
        connection.send(&[format!("{:x}\r\n", rest.len()).as_bytes(), rest, b"\r\n0\r\n\r\n"].concat()).await;

        let error = connection.reply().await.error(status).await;

        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
        assert_eq!(provider.calls().len(), 0, "no whole form came");
        wait_until("the vendor is left", || provider.open_connections() == 0).await;
    }
    let breakers = gateway.get("/admin/breakers").await.json().await;
    assert!(!breakers.to_string().contains("\"failures\":1"), "{breakers}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_9_a_client_that_leaves_in_its_upload_ends_the_vendors_call() {
    let listening = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}/v1", listening.local_addr().unwrap());
    let gateway = Gateway::start(Folder::new(&plain_yaml(&base).replace("plain:", "alias:"))).await;
    let form = form(&[MODEL, FILE]);
    let mut connection = gateway.connect().await;
    let head = format!(
        "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-type: {FORM}\r\ncontent-length: {}\r\n\r\n",
        form.len() + 1000
    );
    connection.send(head.as_bytes()).await;
    connection.send(&form[..form.len() - 20]).await;
    let (mut stream, _) = within("the gateway calls the vendor", listening.accept()).await.unwrap();
    let mut some = vec![0; 4096];
    let bytes = Arc::new(AtomicUsize::new(0));
    bytes.fetch_add(stream.read(&mut some).await.unwrap(), Ordering::SeqCst);

    drop(connection);

    let mut rest = Vec::new();
    let _end = within("the gateway leaves the vendor", stream.read_to_end(&mut rest)).await;
    assert!(!rest.ends_with(b"0\r\n\r\n"), "the vendor must not take half a form for a whole one");
    gateway.finish(&[]).await;
}

#[tokio::test]
async fn googles_transcription_and_images_come_in_openais_shape() {
    let (provider, gateway) = over("google", "gemini-2.5-flash-image").await;
    let text = good(transcribe(&gateway, &form(&[MODEL, FILE])).await).await;
    assert!(text["text"].as_str().is_some_and(|text| !text.is_empty()), "{text}");
    let images =
        good(gateway.post("/v1/images/generations", &json!({ "model": "alias", "prompt": "a lake" })).await).await;
    assert!(images["data"][0]["b64_json"].as_str().is_some_and(|data| !data.is_empty()), "{images}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_moderation_may_leave_the_model_out_where_an_alias_has_openais_name_for_it() {
    let provider = little_model().await;
    let yaml = plain_yaml(&provider.base()).replace("plain:", "omni-moderation-latest:");
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    let found = good(gateway.post("/v1/moderations", &json!({ "input": "forbidden" })).await).await;
    assert_eq!(found["results"][0]["flagged"], true);
    assert_eq!(provider.call(0).await.json(), json!({ "model": "vendor-model", "input": "forbidden" }));
    gateway.finish(&[&provider]).await;

    let (provider, gateway) = plain().await;
    let error = gateway.post("/v1/moderations", &json!({ "input": "x" })).await.error(404).await;
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("omni-moderation-latest") && message.contains("plain"), "{message}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn tokens_are_counted_by_the_vendor_where_it_can_and_else_estimated() {
    let body = json!({ "model": "alias", "system": "Be brief.", "messages": [{ "role": "user", "content": "hello ".repeat(100) }] });
    for (vendor, model, path) in [
        ("anthropic", "little", Some("/v1/messages/count_tokens")),
        ("google", "gemini-3-little", Some("/models/gemini-3-little:countTokens")),
        ("openai", "little", None),
    ] {
        let (provider, gateway) = over(vendor, model).await;
        let headers = [("anthropic-version", "2023-06-01"), ("content-type", "application/json")];
        let path_of = "/v1/messages/count_tokens";
        let reply = gateway.connect().await.request("POST", path_of, &headers, body.to_string().as_bytes()).await;
        assert_eq!(reply.header("x-magic-estimated"), path.is_none().then_some("true"), "{vendor}");
        let tokens = good(reply).await["input_tokens"].as_u64().unwrap();
        match path {
            Some(path) => {
                let call = provider.call(0).await;
                assert!(call.path.ends_with(path), "{vendor}: {}", call.path);
                assert_eq!(tokens, 11, "{vendor}");
            }
            None => {
                assert_eq!(provider.calls().len(), 0, "nobody is asked");
                assert!((80..=400).contains(&tokens), "{tokens}");
            }
        }
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn anthropics_clients_get_the_list_of_models_in_their_shape() {
    let (provider, gateway) = plain().await;
    let headers = [("anthropic-version", "2023-06-01"), ("x-api-key", "any")];
    let list = good(gateway.connect().await.request("GET", "/v1/models?limit=20", &headers, b"").await).await;
    assert_eq!(
        (&list["has_more"], &list["first_id"], &list["last_id"]),
        (&json!(false), &json!("plain"), &json!("plain"))
    );
    let model = &list["data"][0];
    assert_eq!(
        (&model["type"], &model["id"], &model["display_name"]),
        (&json!("model"), &json!("plain"), &json!("plain"))
    );
    let created = model["created_at"].as_str().unwrap();
    assert!(created.starts_with("20") && created.ends_with('Z'), "{created}");

    let one = good(gateway.connect().await.request("GET", "/v1/models/plain", &headers, b"").await).await;
    assert_eq!(&one, model);
    let none = gateway.connect().await.request("GET", "/v1/models/nobody", &headers, b"").await;
    assert_eq!(none.status, 404);
    let none = none.json().await;
    assert_eq!((&none["type"], &none["error"]["type"]), (&json!("error"), &json!("not_found_error")), "{none}");
    assert_eq!(gateway.get("/v1/models").await.json().await["object"], "list", "everybody else gets OpenAI's");
    gateway.finish(&[&provider]).await;
}

/// An endpoint without a stream holds its client's connection no longer than its client holds it.
#[tokio::test]
async fn field_9_a_client_that_leaves_a_silent_vendor_ends_its_call() {
    let (provider, gateway) = plain().await;
    let gate = Gate::default();
    provider.always(Script::json(200, &json!({})).after(&gate));
    for (number, path) in ["/v1/embeddings", "/v1/audio/speech", "/v1/images/generations"].into_iter().enumerate() {
        let connection = gateway.begin(path, &json!({ "model": "plain", "input": "x" })).await;
        let call = provider.call(number).await;
        drop(connection);
        call.was_left().await;
    }
    gateway.finish(&[&provider]).await;
}
