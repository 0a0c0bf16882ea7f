-- The first schema. Times are milliseconds since the Unix epoch.
-- The owner comes first in every key, so that all that an account owns lies together.

CREATE TABLE account (
    domain            TEXT    NOT NULL,
    jid               TEXT    NOT NULL,  -- the whole bare JID, as in every `owner`
    sha1_iterations   BIGINT  NOT NULL,
    sha1_salt         BLOB    NOT NULL,
    sha1_stored_key   BLOB    NOT NULL,
    sha1_server_key   BLOB    NOT NULL,
    sha256_iterations BIGINT  NOT NULL,
    sha256_salt       BLOB    NOT NULL,
    sha256_stored_key BLOB    NOT NULL,
    sha256_server_key BLOB    NOT NULL,
    created           BIGINT  NOT NULL,
    enabled           BOOLEAN NOT NULL,
    PRIMARY KEY (domain, jid)
) WITHOUT ROWID;

CREATE TABLE roster (
    owner   TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE roster_item (
    owner       TEXT    NOT NULL,
    contact     TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    group_names TEXT    NOT NULL,        -- a JSON array of strings
    sub_from    BOOLEAN NOT NULL,
    sub_to      BOOLEAN NOT NULL,
    pending_out BOOLEAN NOT NULL,
    pending_in  TEXT,                    -- the presence stanza that asks
    approved    BOOLEAN NOT NULL,
    hidden      BOOLEAN NOT NULL,
    version     BIGINT  NOT NULL,
    PRIMARY KEY (owner, contact)
) WITHOUT ROWID;

CREATE TABLE vhost (
    domain   TEXT    NOT NULL PRIMARY KEY,
    enabled  BOOLEAN NOT NULL,
    settings TEXT    NOT NULL            -- a JSON object of strings
) WITHOUT ROWID;

CREATE TABLE table_entry (
    owner TEXT NOT NULL,
    store TEXT NOT NULL,
    key   TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (owner, store, key)
) WITHOUT ROWID;

-- Values lie in order of arrival, so that appends fill page after page. An id is never given twice.
CREATE TABLE log_entry (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    owner   TEXT   NOT NULL,
    store   TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    expires BIGINT,
    tag     TEXT,
    value   BLOB   NOT NULL
);

-- All but the value: whatever a query asks for is decided here, in order of id, and the value is
-- fetched only of what is returned. A second index for tags would double what an append writes.
CREATE INDEX log_entry_by_owner ON log_entry (owner, store, id, at, expires, tag);

CREATE INDEX log_entry_by_expiry ON log_entry (expires) WHERE expires IS NOT NULL;
