-- name: cursors
SELECT name, position FROM recon_cursor

-- name: last_day
SELECT coalesce(max(day_id), 0) FROM recon_day

-- name: day
SELECT record, book FROM recon_day WHERE business_date = ? AND store = ?

-- name: days_of
SELECT record FROM recon_day
WHERE business_date >= ?1 AND business_date <= ?2 AND (?3 = '' OR store = ?3)
ORDER BY store, business_date

-- name: stores_of
SELECT DISTINCT store FROM recon_day
WHERE business_date >= ?1 AND business_date <= ?2 AND (?3 = '' OR store = ?3) ORDER BY store

-- name: unfinished
SELECT record FROM recon_day WHERE state <> 'posted' ORDER BY business_date, store

-- name: unaudited
SELECT store, business_date FROM recon_day
WHERE (SELECT max(position) FROM recon_fact WHERE recon_fact.day_id = recon_day.day_id) > ?

-- name: facts_after
SELECT position, fact FROM recon_fact WHERE day_id = ? AND position > ? ORDER BY position

-- name: fact
SELECT fact FROM recon_fact WHERE day_id = ? AND position = ?

-- name: object
SELECT day_id, store, business_date, position FROM recon_object JOIN recon_day USING (day_id)
WHERE object_digest = ?

-- name: registers
SELECT workstation, epoch, business_date, first, last FROM recon_register
WHERE store = ? AND business_date >= ? AND business_date <= ?

-- name: has_clocks
SELECT 1 FROM sqlite_master WHERE name = 'recon_clock'

-- name: clocks
SELECT store, workstation, since, last_at, nearest_seconds, offset_seconds FROM recon_clock
ORDER BY store, workstation

-- name: findings_of
SELECT :finding FROM recon_finding WHERE store = ? AND business_date = ?
ORDER BY rule, subject

-- name: findings
SELECT :finding FROM recon_finding
WHERE (?1 = '' OR store = ?1) AND business_date >= ?2 AND business_date <= ?3
  AND (?4 = '' OR state = ?4) AND (?5 = '' OR rule = ?5)
ORDER BY business_date, store, rule, subject

-- name: moves
SELECT at, state, revision, who, why FROM recon_move WHERE day_id = ? ORDER BY move_id

-- name: posting
SELECT day_id, revision, store, business_date, recon_posting.state
FROM recon_posting JOIN recon_day USING (day_id) WHERE erp = ? AND posting_key = ?

-- name: postings_of
SELECT body FROM recon_posting WHERE day_id = ? AND revision = ? AND posting_type = ?

-- name: postings_of_type
SELECT body FROM recon_posting WHERE day_id = ? AND posting_type = ? ORDER BY revision

-- name: postings_among
SELECT posting_key FROM recon_posting
WHERE erp = ? AND posting_key IN (SELECT value FROM json_each(?))

-- name: postings_of_day
SELECT erp, posting_key, revision, posting_type, currency, amount, state, asked_at, position,
  document_number, confirmed_at, trouble
FROM recon_posting WHERE day_id = ? ORDER BY revision, posting_type DESC, posting_key

-- name: postings_to_say
SELECT erp, posting_key, body FROM recon_posting WHERE state = 'wanted'
ORDER BY asked_at, posting_type <> 'reversal', posting_key LIMIT ?

-- name: postings_open
SELECT position, body, day_id, revision, trouble FROM recon_posting
WHERE state = 'said' AND position > ? ORDER BY position LIMIT ?
