-- name: to_2
-- Revisions became numbers, and objects are known by a digest without their revision. A number of
-- a register says which run of its counter it belongs to; the older keys said it at their end.
ALTER TABLE message RENAME COLUMN revision TO revision_text;
ALTER TABLE message ADD COLUMN revision INTEGER;
ALTER TABLE message ADD COLUMN object_digest BLOB;
ALTER TABLE message ADD COLUMN superseded_by INTEGER;
UPDATE message SET revision = CAST(revision_text AS INTEGER) WHERE revision_text <> '';
ALTER TABLE message DROP COLUMN revision_text;
ALTER TABLE message ADD COLUMN object_id TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN register_epoch INTEGER NOT NULL DEFAULT 0;
UPDATE message SET register_epoch = CAST(substr(natural_key, 1 + length(
  concat_ws(':', store, workstation, business_date, sequence_number, 'e'))) AS INTEGER)
WHERE workstation <> '' AND sequence_number IS NOT NULL AND instr(natural_key,
  concat_ws(':', store, workstation, business_date, sequence_number, 'e')) = 1;
UPDATE schema_version SET version = 2

-- name: to_3
-- Only a table was added, and `schema.sql` makes it.
UPDATE schema_version SET version = 3

-- name: to_4
-- The audit log became a chain; `sqlite_actions.py` links what stands in it.
ALTER TABLE action ADD COLUMN link BLOB NOT NULL DEFAULT x'';
UPDATE schema_version SET version = 4

-- name: to_5
-- Books of what is settled and of whole blocks: `schema.sql` makes the table, `sqlite_books.py` and
-- `sqlite_summary.py` fill them from the rows.
UPDATE schema_version SET version = 5

-- name: put_link
UPDATE action SET link = ? WHERE action_id = ?
