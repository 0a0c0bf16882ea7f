-- What plugins have beside tables and logs: alarms, and those installed at run time.

-- The owner comes first, as everywhere, so that an account's alarms are erased with it.
CREATE TABLE alarm (
    owner  TEXT   NOT NULL,
    plugin TEXT   NOT NULL,
    name   TEXT   NOT NULL,
    at     BIGINT NOT NULL,
    data   BLOB   NOT NULL,
    PRIMARY KEY (owner, plugin, name)
) WITHOUT ROWID;

-- Earliest due first; what is due at the same time has an order too.
CREATE INDEX alarm_by_time ON alarm (at, owner, plugin, name);

-- Wasm files by what is in them, so that one that is installed in many scopes is kept once. Not WITHOUT
-- ROWID: to look for a name must not lead through the megabytes beside it.
CREATE TABLE component (
    sha256 BLOB NOT NULL PRIMARY KEY,
    bytes  BLOB NOT NULL
);

CREATE TABLE plugin (
    name     TEXT NOT NULL,
    scope    TEXT NOT NULL,              -- `*` or the domain of a virtual host
    sha256   BLOB NOT NULL,
    previous BLOB,                       -- what it replaced, to go back to
    manifest TEXT NOT NULL,              -- JSON
    PRIMARY KEY (name, scope)
) WITHOUT ROWID;
