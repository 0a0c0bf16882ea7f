//! Stops that administrators order (XEP-0133, sections 4.30 and 4.31), and how the server starts again after one.

use crate::sentence;
use crate::wiring::ConfigFile;
use anyhow::anyhow;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use waxwing_server::{AfterStop, ProcessControl};

/// What was ordered last, from whoever orders it to whoever runs the server.
pub struct StopOrders {
    last: watch::Sender<Option<Order>>,
    config: ConfigFile,
}

#[derive(Clone, Copy, Debug)]
struct Order {
    then: AfterStop,
    at: Instant,
}

impl StopOrders {
    /// No orders yet, for a server with this config file.
    pub fn new(config: ConfigFile) -> Self {
        Self { last: watch::Sender::new(None), config }
    }

    /// Wait until the time of an order has come.
    pub async fn due(&self) -> AfterStop {
        let mut last = self.last.subscribe();
        loop {
            let order = *last.borrow_and_update();
            let due = async {
                match order {
                    Some(order) => {
                        sleep_until(order.at).await;
                        order.then
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                then = due => return then,
                // The sender is there as long as this is.
                _ = last.changed() => {}
            }
        }
    }
}

impl ProcessControl for StopOrders {
    fn stop(&self, then: AfterStop, delay: Duration) -> Result<(), String> {
        if then == AfterStop::Restart
            && let Err(why) = self.config.read()
        {
            return Err(format!("The server would not start again: {}", sentence(&why)));
        }
        tracing::info!(?then, seconds = delay.as_secs(), "stop ordered");
        self.last.send_replace(Some(Order { then, at: Instant::now() + delay }));
        Ok(())
    }
}

/// Run this program in place of the running one, with the same arguments. Comes back only if that fails.
pub fn start_again(program: &Path) -> anyhow::Error {
    let mut arguments = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    let why = command.args(arguments).exec();
    anyhow!("the server does not start again: {}: {why}", program.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(config: &str) -> (tempfile::TempDir, StopOrders) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.tdsl");
        std::fs::write(&path, config).unwrap();
        (folder, StopOrders::new(ConfigFile { path, properties: Vec::new() }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_order_takes_the_place_of_an_earlier_one() {
        let (_folder, orders) = orders("");
        let half_a_minute = Duration::from_secs(30);
        let wait = async |seconds| tokio::time::timeout(Duration::from_secs(seconds), orders.due()).await;
        assert!(wait(3600).await.is_err(), "nothing was ordered");
        orders.stop(AfterStop::Restart, half_a_minute).unwrap();
        assert!(wait(20).await.is_err());
        orders.stop(AfterStop::Exit, half_a_minute).unwrap();
        assert!(wait(20).await.is_err());
        assert_eq!(wait(11).await, Ok(AfterStop::Exit));
    }

    #[tokio::test]
    async fn a_server_whose_config_has_a_mistake_is_not_restarted() {
        let (_folder, orders) = orders("admins = 5");
        let why = orders.stop(AfterStop::Restart, Duration::ZERO).unwrap_err();
        assert!(why.contains("admins"), "{why}");
        assert!(tokio::time::timeout(Duration::ZERO, orders.due()).await.is_err());
        orders.stop(AfterStop::Exit, Duration::ZERO).unwrap();
        assert_eq!(orders.due().await, AfterStop::Exit);
    }
}
