//! Hundreds of swaps under constant load. Two gateways do the same: one in this process, whose live components can be
//! counted, and one in a process of its own, whose memory is nobody else's.
use super::*;
use magic_tests::{Connection, proxy_binary, said, wait_until, wait_until_async};
use std::cell::Cell;
use std::net::SocketAddr;
use tokio::process::Command;

const SWAPS: usize = 210;
/// A leak of one small component a swap, or of one config, would be more than this over the last two thirds.
const GROWTH_BYTES_MAX: u64 = 16 << 20;

struct Rig {
    folder_of_process: Folder,
    process: magic_tests::Process,
    pid: u32,
    gateway: Gateway,
    addresses: [SocketAddr; 2],
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_swaps_under_load_fail_no_request_and_leak_nothing() {
    let provider = Provider::start().await;
    // The sessions' logs are kept for a while; that is no leak, and here it must not look like one.
    let yaml = yaml(&provider) + "server_settings: { sessions_kept_max: 16 }\n";
    script(&provider);
    let rig = Rig::start(&provider, &yaml).await;
    let stop = Cell::new(false);

    let [first, second] = rig.addresses;
    let loads = async { tokio::join!(load(first, &stop), load(second, &stop)) };
    let swaps = async {
        let mut after_a_third = 0;
        for number in 0..SWAPS {
            if number == SWAPS / 3 {
                after_a_third = rig.resident_bytes();
            }
            rig.swap(&yaml, number).await;
        }
        stop.set(true);
        after_a_third
    };
    let (served, after_a_third) = tokio::join!(loads, swaps);

    let at_the_end = rig.resident_bytes();
    println!("{SWAPS} swaps; served {served:?}; resident {} -> {} KiB", after_a_third >> 10, at_the_end >> 10);
    for served in [served.0, served.1] {
        assert!(served >= SWAPS, "there was no load to speak of: {served}");
    }
    wait_until("only the components of the files are alive", || rig.gateway.inner().alive().1.components == 2).await;
    assert!(
        at_the_end < after_a_third + GROWTH_BYTES_MAX,
        "memory grew from {after_a_third} to {at_the_end} bytes over {} swaps",
        SWAPS - SWAPS / 3
    );
    rig.end(&provider).await;
}

/// Chats are answered at once; a session calls the tool until it has seen what one of its versions says.
fn script(provider: &Provider) {
    provider.on(When::under("plain"), answer(false, "plainly"));
    provider.on(When::says("hot version"), said("<FINAL_ANSWER>it is done</FINAL_ANSWER>"));
    provider.on(
        When::under("think"),
        said("<THOUGHT>I look.</THOUGHT><ACTION>{\"tool_name\": \"hot\", \"arguments\": {}}</ACTION>"),
    );
}

/// Chats and sessions in turn, one always under way. Each must succeed. Returns how many did.
async fn load(address: SocketAddr, stop: &Cell<bool>) -> usize {
    let mut served = 0;
    while !stop.get() {
        let (alias, expected) = if served % 2 == 0 { ("plain", "plainly") } else { ("think", "it is done") };
        let (connection, body) = (Connection::open(address).await, ask(alias, false).to_string());
        let reply = connection.request("POST", "/v1/chat/completions", &[], body.as_bytes()).await;
        let (status, body) = (reply.status, reply.json().await);
        assert_eq!(status, 200, "request {served}: {body}");
        assert_eq!(Completion::of_whole(&body).content, expected, "request {served}: {body}");
        served += 1;
    }
    served
}

async fn look(address: SocketAddr) -> Value {
    Connection::open(address).await.request("GET", "/admin/components", &[], b"").await.json().await
}

// === impl Rig ===

impl Rig {
    async fn start(provider: &Provider, yaml: &str) -> Self {
        let folders = [(); 2].map(|()| {
            let folder = folder(provider);
            folder.write("proxy_config.yaml", yaml);
            folder.write("tools/hot.wasm", hot(1));
            folder
        });
        let [folder, folder_of_process] = folders;
        let gateway = Gateway::start(folder).await;
        // The shell becomes the gateway, so the number that it writes is the gateway's own.
        let mut command = Command::new("sh");
        command.args(["-c", "echo $$ >pid && exec \"$@\"", "sh"]).arg(proxy_binary().await);
        command.args(["serve", "--listen", "127.0.0.1:0", "--config", "proxy_config.yaml"]);
        command.current_dir(folder_of_process.path("")).env_remove("RUST_LOG");
        let mut process = magic_tests::Process::spawn(command);
        let addresses = [gateway.address(), process.address().await];
        let pid = fs::read_to_string(folder_of_process.path("pid")).unwrap().trim().parse().unwrap();
        Self { folder_of_process, process, pid, gateway, addresses }
    }

    /// Other versions of some files, and both gateways serve them.
    async fn swap(&self, yaml: &str, number: usize) {
        let before = [look(self.addresses[0]).await, look(self.addresses[1]).await];
        for folder in [self.gateway.folder(), &self.folder_of_process] {
            folder.write("tools/hot.wasm", hot(number % 2));
            if number.is_multiple_of(3) {
                let more =
                    if number.is_multiple_of(2) { "streaming_settings: { typewriter_mode: client }\n" } else { "" };
                folder.write("proxy_config.yaml", yaml.to_owned() + more);
            }
            if number.is_multiple_of(5) {
                folder.write(
                    "patterns/ponder.wasm",
                    ponder(if number.is_multiple_of(2) { "Think." } else { "Think twice." }),
                );
            }
            if number.is_multiple_of(7) {
                folder.write("tools/hot.policy.yaml", format!("limits: {{ host_calls_max: {} }}", number + 1));
            }
        }
        for (address, before) in self.addresses.into_iter().zip(&before) {
            let digest = &row(before, "hot").unwrap()["digest"];
            wait_until_async("the swap", || async move {
                let now = look(address).await;
                let found = row(&now, "hot").unwrap();
                assert_eq!(found["status"], "loaded", "{now}");
                found["digest"] != *digest && now["generation"].as_u64() > before["generation"].as_u64()
            })
            .await;
        }
    }

    /// Of the gateway in its own process.
    fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").trim().parse().unwrap();
        kibibytes << 10
    }

    async fn end(self, provider: &Provider) {
        self.process.terminate().await;
        let ended = self.process.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("did not finish in time"), "{}", ended.stderr);
        self.gateway.finish(&[provider]).await;
    }
}

fn hot(version: usize) -> Vec<u8> {
    ToolWat::says("hot", &format!("hot version {version}")).file()
}
