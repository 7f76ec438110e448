//! Serves the installation of a stopped [`TestServer`] with the real program.

use crate::{TestServer, binary};
use events::Log;
use events::personal::keys::{MasterKey, SqliteKeyStore};
use events::store::sqlite::SqliteStore;
use muster::config::Config;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;
use world::World;

/// The installation of a stopped server, which the real program serves at the same address.
pub struct Installation {
    _directory: TempDir,
    config: PathBuf,
}

impl Installation {
    pub async fn of(server: TestServer) -> Installation {
        let (file, served) = (server.config_file(), server.app().config.clone());
        let mut config: toml::Table = std::fs::read_to_string(&file).unwrap().parse().unwrap();
        config["server"]["public_url"] = served.server.public_url.clone().into();
        config["server"]["listen"] = served.server.listen.to_string().into();
        config["server"]["metrics_listen"] = served.server.metrics_listen.to_string().into();
        let proxies = served.server.trusted_proxies.iter().map(|proxy| toml::Value::from(proxy.to_string()));
        config["server"]["trusted_proxies"] = proxies.collect::<Vec<_>>().into();
        config["push"]["base_url"] = served.push.base_url.clone().into();
        let directory = server.stop_keeping().await;
        std::fs::write(&file, config.to_string()).unwrap();
        Installation { _directory: directory, config: file }
    }

    pub fn config(&self) -> &Path {
        &self.config
    }

    pub fn serve(&self) -> Process {
        let mut command = Command::new(binary::path());
        command.arg("serve").arg("--config").arg(&self.config).stdout(Stdio::null()).stderr(Stdio::null());
        Process(command.spawn().expect("the server starts"))
    }

    pub fn open(&self) -> Log {
        let config = Config::load(&self.config).unwrap();
        let directory: &Path = &config.store.directory;
        let store = SqliteStore::open_read_only(directory).unwrap();
        let master = MasterKey::read_file(&config.store.master_key).unwrap();
        let keys = SqliteKeyStore::open(&directory.join("keys.db"), master, World::fill).unwrap();
        Log::new(Arc::new(store), Arc::new(keys))
    }
}

pub struct Process(pub Child);

impl Drop for Process {
    // SIGKILL: no handler runs and nothing is flushed.
    fn drop(&mut self) {
        self.0.kill().expect("the server is killed");
        self.0.wait().expect("the server has ended");
    }
}
