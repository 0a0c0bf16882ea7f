-- Names as software that follows RFC 6122 writes them, of the few accounts whose names it writes in another way (`ss`
-- for `ß`). Two accounts that it could not tell from each other cannot both exist.

ALTER TABLE account ADD COLUMN rfc6122 TEXT;

CREATE UNIQUE INDEX account_by_rfc6122 ON account (domain, rfc6122) WHERE rfc6122 IS NOT NULL;
