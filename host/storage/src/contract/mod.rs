//! What every engine must do, as tests. An engine passes them with one line, in a test module:
//!
//! ```ignore
//! waxwing_storage::contract_tests!(MyPlace::new());
//! ```
//!
//! where the expression makes an empty [`Place`]. It needs tokio with the feature `macros`.

pub mod accounts;
pub mod alarms;
pub mod batches;
pub mod lifecycle;
pub mod logs;
pub mod plugin_data;
pub mod plugins;
pub mod rosters;
pub mod soon;
pub mod tables;

use crate::{Account, Batch, Error, Result, RosterItem, ScramKeys, Storage, Write};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use waxwing_xmpp::Jid;

/// Where an engine keeps one database: empty at first, gone when dropped.
pub trait Place: Send + Sync {
    /// Open the database, or open it again after it was closed.
    fn open(&self) -> BoxFuture<'_, Arc<dyn Storage>>;
}

/// Every contract as a test of its own, for the engine whose [`Place`] the expression makes.
#[macro_export]
macro_rules! contract_tests {
    ($place:expr) => {
        $crate::contract_tests! { $place; batches:
            a_failing_batch_leaves_nothing,
            a_failing_batch_does_not_take_others_along,
            writes_take_place_in_order,
            the_empty_batch_succeeds,
            a_commit_is_seen_by_later_reads,
            concurrent_commits_all_arrive,
            concurrent_swaps_lose_no_update,
            one_committer_keeps_its_order,
        }
        $crate::contract_tests! { $place; soon:
            what_may_wait_goes_ahead_of_what_comes_later,
            what_may_wait_shares_the_commit_of_others,
            what_may_wait_is_read_at_once,
            what_waits_is_kept_by_closing,
        }
        $crate::contract_tests! { $place; accounts:
            an_account_comes_back_as_created,
            an_account_is_created_once,
            a_name_has_one_account_however_old_the_software,
            keys_change_of_an_account_that_exists,
            an_account_may_have_keys_of_one_mechanism,
            missing_keys_are_completed,
            an_account_is_switched_off_and_on,
            accounts_are_listed_in_order_by_page,
            domains_with_accounts_are_found,
            accounts_belong_to_their_domain,
            removing_an_account_erases_what_it_owns,
            removing_an_account_erases_every_table_and_store,
            vhosts_are_put_and_removed,
        }
        $crate::contract_tests! { $place; rosters:
            a_roster_nobody_touched_is_empty,
            a_roster_comes_back_as_put,
            a_roster_changes_only_from_the_expected_version,
            roster_items_are_replaced_and_removed,
            concurrent_roster_changes_lose_no_update,
        }
        $crate::contract_tests! { $place; tables:
            a_value_comes_back_as_set,
            a_swap_needs_the_old_value,
            deleting_a_key_forgets_it,
            keys_come_in_byte_order,
            keys_are_found_by_prefix,
            keys_come_by_page,
            a_range_narrows_by_each_bound,
            tables_are_apart_by_store_and_owner,
            odd_strings_come_back_unchanged,
            large_values_come_back_unchanged,
        }
        $crate::contract_tests! { $place; logs:
            ids_rise_and_are_never_given_again,
            a_commit_tells_the_ids_of_what_it_appends,
            an_entry_comes_back_as_appended,
            a_query_narrows_by_each_field_together,
            trim_and_remove_delete_what_they_name,
            expired_entries_are_as_if_gone,
            logs_are_apart_by_store_and_owner,
            extreme_numbers_are_kept_apart,
        }
        $crate::contract_tests! { $place; alarms:
            an_alarm_comes_back_as_set,
            an_alarm_replaces_only_its_namesake,
            alarms_come_earliest_first,
            clearing_an_alarm_can_depend_on_its_time,
            removing_an_account_erases_its_alarms,
            alarms_may_be_set_for_never,
            alarm_bytes_are_of_one_plugin_and_all_owners,
        }
        $crate::contract_tests! { $place; plugins:
            plugins_come_back_as_put,
            a_plugin_needs_its_component,
            components_are_kept_by_digest,
            components_go_with_the_last_plugin_that_names_them,
        }
        $crate::contract_tests! { $place; plugin_data:
            store_bytes_are_of_one_store_and_all_owners,
            account_data_is_of_one_account_and_all_plugins,
            erasing_a_plugin_leaves_nothing_of_it,
        }
        $crate::contract_tests! { $place; lifecycle:
            what_was_committed_is_there_after_reopening,
            a_closed_engine_answers_unavailable,
            closing_finishes_what_is_queued,
            closing_twice_is_no_error,
        }
    };
    ($place:expr; $group:ident: $($name:ident),+ $(,)?) => {
        mod $group {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    $crate::contract::$group::$name(&$place).await;
                }
            )+
        }
    };
}

const STORE: &str = "plugin:store";
const OWNER: &str = "juliet@example.org";

fn jid(text: &str) -> Jid {
    Jid::parse(text).expect("the contract names valid addresses")
}

fn keys(seed: u8) -> ScramKeys {
    let key = |offset: u8| (0..20).map(|byte: u8| byte.wrapping_mul(seed).wrapping_add(offset)).collect();
    ScramKeys { iterations: 4096 + u32::from(seed), salt: key(0), stored_key: key(1), server_key: key(2) }
}

fn account(address: &str) -> Account {
    let created = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    Account { jid: jid(address), sha1: Some(keys(1)), sha256: Some(keys(2)), created, enabled: true }
}

fn item(address: &str) -> RosterItem {
    RosterItem {
        jid: jid(address),
        name: String::new(),
        groups: Vec::new(),
        from: false,
        to: false,
        pending_out: false,
        pending_in: None,
        approved: false,
        hidden: false,
        version: 0,
    }
}

fn set(owner: &str, key: &str, value: impl AsRef<[u8]>) -> Write {
    let value = value.as_ref().to_vec();
    Write::TableSet { store: STORE.into(), owner: owner.into(), key: key.into(), value }
}

fn swap(key: &str, old: Option<&[u8]>, new: &[u8]) -> Write {
    let (store, owner, key) = (STORE.into(), OWNER.into(), key.into());
    Write::TableSwap { store, owner, key, old: old.map(<[u8]>::to_vec), new: new.to_vec() }
}

fn append(owner: &str, at: u64, tag: Option<&str>, value: impl AsRef<[u8]>) -> Write {
    let (store, owner, tag) = (STORE.into(), owner.into(), tag.map(str::to_owned));
    Write::LogAppend { store, owner, at, tag, value: value.as_ref().to_vec(), expires: None }
}

async fn commit(storage: &dyn Storage, writes: impl IntoIterator<Item = Write>) -> Result<()> {
    storage.commit(Batch { writes: writes.into_iter().collect() }).await.map(drop)
}

async fn get(storage: &dyn Storage, key: &str) -> Option<Vec<u8>> {
    storage.table_get(STORE, OWNER, key).await.expect("a read succeeds")
}

/// For errors, which are not to be compared.
fn is_conflict<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::Conflict))
}
