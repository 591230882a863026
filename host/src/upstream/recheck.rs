//! Asks vendors whether retired keys are good again, where that costs nothing: an account may have been mended, or a
//! vendor may have erred.
use super::Upstream;
use super::client::{Url, key_header};
use super::lease::{lock, now};
use super::target::{fixed_headers, speaker};
use magic_config::Config;
use magic_routing::PoolName;
use magic_types::{KeyId, Secret};
use std::time::Duration;

/// Of one check: a list of models is a small page.
const CHECK_MAX: Duration = Duration::from_secs(20);

impl Upstream {
    /// One round over all retired keys, one after the other.
    pub(crate) async fn recheck(&self, config: &Config) {
        let retired = lock(&self.health).pools.retired();
        for (pool, id, secret) in retired {
            if self.is_good(config, &pool, &secret).await {
                self.revive(&id);
            }
        }
    }

    fn revive(&self, id: &KeyId) {
        let changes = {
            let mut health = lock(&self.health);
            health.pools.revive(id).then(|| health.pools.take_changes(now()))
        };
        if let Some(changes) = changes {
            tracing::info!(key.id = %id, "key `{id}` is good again: its vendor takes it");
            self.keep(changes);
        }
    }

    async fn is_good(&self, config: &Config, pool: &PoolName, secret: &Secret) -> bool {
        let profile = config.profiles.iter().find(|profile| PoolName::of(profile, |_| true).as_ref() == Some(pool));
        let Some(profile) = profile else { return false };
        let speaker = speaker(profile);
        let Some(url) = speaker.key_check().and_then(|url| url.parse::<Url>().ok()) else { return false };
        let link_local = config.server_settings.allow_link_local_vendors;
        let Ok(client) = self.clients.client(&url, profile.timeouts.connect, link_local) else { return false };
        let Ok(key) = key_header(speaker.auth(), secret) else { return false };
        let headers = fixed_headers(speaker.family);
        let asked = tokio::time::timeout(CHECK_MAX, client.get_status(&url, key, headers)).await;
        matches!(asked, Ok(Ok(status)) if status.is_success())
    }
}
