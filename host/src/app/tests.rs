//! What a start does without.
use super::{Door, Paths, open_accounts};
use crate::accounts;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

fn root() -> PathBuf {
    let root = std::env::temp_dir().join(format!("magic-app-{}", uuid::Uuid::now_v7()));
    fs::create_dir_all(root.join("data")).unwrap();
    root
}

async fn starts(paths: &Paths) -> bool {
    open_accounts(paths, Door::from(SocketAddr::from(([127, 0, 0, 1], 0)))).await.is_ok()
}

#[tokio::test]
async fn accounts_that_cannot_be_looked_at_let_nobody_in() {
    let root = root();
    let paths = Paths::under(&root);
    let file = paths.data.join(accounts::FILE);
    symlink(root.join("unplugged/accounts.db"), &file).unwrap();
    assert!(!starts(&paths).await, "a link that leads nowhere");

    fs::remove_file(&file).unwrap();
    fs::remove_dir(&paths.data).unwrap();
    fs::write(&paths.data, "a file where a folder should be").unwrap();
    assert!(starts(&paths).await, "there never was an account");
    fs::remove_dir_all(root).unwrap();
}
