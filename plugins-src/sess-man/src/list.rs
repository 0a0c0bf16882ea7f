//! The commands: what they are called, and where tools list them.

use waxwing_plugin::Command;
use waxwing_plugin::prelude::*;

pub const COMPONENT: &str = "sess-man";
/// What the nodes of XEP-0133 begin with.
const ADMIN: &str = "http://jabber.org/protocol/admin#";
/// Those that Tigase has beside them go by their names alone.
const OTHERS: [&str; 2] = ["modify-user", "get-user-info"];

/// The group of those that are for the administrators of the server alone.
const SERVER: &str = "Server";

/// All of them. Whoever manages a virtual host may run for it those that are about its users.
pub fn commands() -> [Command; 28] {
    COMMANDS.map(|(group, name, label)| {
        let prefix = if OTHERS.contains(&name) { "" } else { ADMIN };
        let command = command(&format!("{prefix}{name}"), label).on(COMPONENT).group(group);
        if group == SERVER { command } else { command.for_vhost_admins() }
    })
}

const COMMANDS: [(&str, &str, &str); 28] = [
    ("Users", "add-user", "Add user"),
    ("Users", "delete-user", "Delete user"),
    ("Users", "disable-user", "Disable user"),
    ("Users", "reenable-user", "Re-enable user"),
    ("Users", "end-user-session", "End user session"),
    ("Users", "change-user-password", "Change user password"),
    ("Users", "modify-user", "Modify user"),
    ("Users", "get-user-info", "Get user info"),
    ("Users", "get-user-roster", "Get user roster"),
    ("Users", "get-user-lastlogin", "Get time of last login"),
    ("Users", "get-registered-users-list", "Get list of registered users"),
    ("Users", "get-disabled-users-list", "Get list of disabled users"),
    ("Statistics", "user-stats", "Get user statistics"),
    ("Statistics", "get-registered-users-num", "Get number of registered users"),
    ("Statistics", "get-disabled-users-num", "Get number of disabled users"),
    ("Statistics", "get-online-users-num", "Get number of online users"),
    ("Statistics", "get-active-users-num", "Get number of active users"),
    ("Statistics", "get-idle-users-num", "Get number of idle users"),
    ("Statistics", "get-online-users-list", "Get list of online users"),
    ("Statistics", "get-active-users", "Get list of active users"),
    ("Statistics", "get-idle-users", "Get list of idle users"),
    ("Notifications", "announce", "Send announcement to online users"),
    ("Notifications", "announce-all", "Send announcement to all users"),
    (SERVER, "edit-admin", "Edit admin list"),
    (SERVER, "edit-blacklist", "Edit blacklist"),
    (SERVER, "edit-whitelist", "Edit whitelist"),
    (SERVER, "restart", "Restart service"),
    (SERVER, "shutdown", "Shut down service"),
];
