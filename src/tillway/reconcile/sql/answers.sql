-- name: days_page
SELECT record FROM recon_day
WHERE business_date >= ?1 AND business_date <= ?2 AND (?3 = '' OR store = ?3)
  AND (?4 = '' OR state = ?4)
ORDER BY store, business_date LIMIT ?5 OFFSET ?6

-- name: count_days
SELECT count(*) FROM recon_day
WHERE business_date >= ?1 AND business_date <= ?2 AND (?3 = '' OR store = ?3)

-- name: books_of
SELECT store, business_date, book FROM recon_day
WHERE business_date >= ?1 AND business_date <= ?2 AND (?3 = '' OR store = ?3)
ORDER BY store, business_date

-- name: open_items
SELECT item_id, kind, party, reference, store, business_date, currency, amount, position, due
FROM recon_item
WHERE match_id = 0 AND (?1 = '' OR kind = ?1) AND (?2 = '' OR store = ?2)
  AND business_date >= ?3 AND business_date <= ?4
ORDER BY business_date, store, item_id

-- name: money_on_its_way
SELECT kind, party, currency, amount, match_id <> 0, due FROM recon_item
WHERE store = ? AND business_date = ? AND match_id >= 0

-- name: reported_of_day
SELECT erp, document_number, posting_key, currency, amount FROM recon_reported
WHERE store = ? AND business_date = ? ORDER BY erp, document_number

-- name: postings_between
SELECT store, business_date, erp, posting_key, recon_posting.revision, posting_type, currency,
  amount, recon_posting.state, asked_at, position, document_number, confirmed_at, trouble
FROM recon_day JOIN recon_posting USING (day_id)
WHERE business_date >= ?1 AND business_date <= ?2 AND (?3 = '' OR store = ?3)
ORDER BY store, business_date, recon_posting.revision, posting_key

-- name: alike_findings
SELECT rule, store, severity, owner, currency, difference, count(*), min(first_seen)
FROM recon_finding
WHERE state = 'open' AND business_date >= ?1 AND business_date <= ?2 AND (?3 = '' OR store = ?3)
GROUP BY rule, store, severity, owner, currency, difference

-- name: open_findings_by_store
SELECT store, count(*) FROM recon_finding WHERE state = 'open' AND severity = 'error'
GROUP BY store

-- name: postings_under_way
SELECT 1 FROM recon_posting WHERE state <> 'confirmed' LIMIT 1
