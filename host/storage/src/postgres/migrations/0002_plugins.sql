-- What plugins have beside tables and logs: alarms, and those installed at run time.

-- The owner comes first, as everywhere, so that an account's alarms are erased with it.
CREATE TABLE alarm (
    owner  TEXT COLLATE "C" NOT NULL,
    plugin TEXT COLLATE "C" NOT NULL,
    name   TEXT COLLATE "C" NOT NULL,
    at     BIGINT NOT NULL,
    data   BYTEA  NOT NULL,
    PRIMARY KEY (owner, plugin, name)
);

-- Earliest due first; what is due at the same time has an order too.
CREATE INDEX alarm_by_time ON alarm (at, owner, plugin, name);

-- Wasm files by what is in them, so that one that is installed in many scopes is kept once.
CREATE TABLE component (
    sha256 BYTEA NOT NULL PRIMARY KEY,
    bytes  BYTEA NOT NULL
);

-- Machine code is not to be compressed while somebody waits for the commit.
ALTER TABLE component ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE plugin (
    name     TEXT COLLATE "C" NOT NULL,
    scope    TEXT COLLATE "C" NOT NULL,  -- `*` or the domain of a virtual host
    sha256   BYTEA NOT NULL,
    previous BYTEA,                      -- what it replaced, to go back to
    manifest TEXT  NOT NULL,             -- JSON
    PRIMARY KEY (name, scope)
);
