-- name: item
INSERT INTO recon_item (item_id, kind, party, reference, other_reference, store, business_date,
  currency, amount, position, due, match_id, origin, flawed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: matched
UPDATE recon_item SET match_id = ? WHERE item_id = ?

-- name: withdrawn
DELETE FROM recon_item WHERE item_id = ?

-- name: word
INSERT OR IGNORE INTO recon_word (word, item_id) VALUES (?, ?)

-- name: link
INSERT OR IGNORE INTO recon_link (psp_reference, name) VALUES (?, ?)

-- name: links
SELECT psp_reference, name FROM recon_link WHERE psp_reference IN (SELECT value FROM json_each(?))

-- name: statement
INSERT OR IGNORE INTO recon_statement (system, account, currency, statement_id, closed_on, opening,
  closing, position)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: statement_accounts
SELECT DISTINCT system, account, currency FROM recon_statement

-- name: statements_of
SELECT statement_id, closed_on, opening, closing, position FROM recon_statement
WHERE system = ? AND account = ? AND currency = ?

-- name: last_item
SELECT coalesce(max(item_id), 0) FROM recon_item

-- name: item_of
SELECT :item FROM recon_item WHERE item_id = ?

-- name: open_by_reference
SELECT :item FROM recon_item
WHERE match_id = 0 AND kind = ?1 AND reference IN (SELECT value FROM json_each(?2))
UNION
SELECT :item FROM recon_item
WHERE match_id = 0 AND kind = ?1 AND other_reference <> ''
  AND other_reference IN (SELECT value FROM json_each(?2))
ORDER BY item_id

-- name: at_bank_by_reference
SELECT :item FROM recon_item
WHERE kind IN ('payout', 'deposit') AND reference IN (SELECT value FROM json_each(?1))
UNION
SELECT :item FROM recon_item
WHERE kind IN ('payout', 'deposit') AND other_reference <> ''
  AND other_reference IN (SELECT value FROM json_each(?1))
ORDER BY item_id

-- name: credits_by_word
SELECT DISTINCT :item FROM recon_word JOIN recon_item USING (item_id)
WHERE word IN (SELECT value FROM json_each(?)) ORDER BY item_id

-- name: group
SELECT :item FROM recon_item
WHERE kind IN ('payout', 'deposit', 'credit') AND match_id <> 0 AND match_id = ? ORDER BY item_id

-- name: open_by_amount
SELECT :item FROM recon_item
WHERE kind IN ('payout', 'deposit', 'credit') AND match_id = 0 AND currency = ? AND amount = ?
ORDER BY item_id

-- name: by_origin
SELECT :item FROM recon_item WHERE origin <> '' AND origin = ? ORDER BY item_id

-- name: newest_open_entries
SELECT :item FROM recon_item WHERE match_id = 0 AND kind = 'entry' AND due <> ''
ORDER BY item_id DESC LIMIT ?

-- name: overdue
SELECT :item FROM recon_item
WHERE match_id = 0 AND due <> '' AND due < ?1 AND (due, item_id) > (?2, ?3)
ORDER BY due, item_id LIMIT ?4

-- name: items_of_day
SELECT :item FROM recon_item WHERE store = ? AND business_date = ? ORDER BY item_id

-- name: reported
INSERT INTO recon_reported (erp, document_number, posting_key, store, business_date, currency,
  amount, position, cancels) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (erp, document_number) DO UPDATE SET posting_key = excluded.posting_key,
  store = excluded.store, business_date = excluded.business_date, currency = excluded.currency,
  amount = excluded.amount, position = excluded.position, cancels = excluded.cancels

-- name: report
SELECT erp, document_number, posting_key, store, business_date, currency, amount, position, cancels
FROM recon_reported WHERE erp = ? AND document_number = ?

-- name: reports_of_key
SELECT erp, document_number, posting_key, store, business_date, currency, amount, position, cancels
FROM recon_reported WHERE erp = ? AND posting_key = ? ORDER BY document_number

-- name: posting_place
SELECT store, business_date, currency, amount FROM recon_posting JOIN recon_day USING (day_id)
WHERE erp = ? AND posting_key = ?

-- name: await_report
INSERT OR IGNORE INTO recon_unreported (erp, posting_key, confirmed_at) VALUES (?, ?, ?)

-- name: report_came
DELETE FROM recon_unreported WHERE erp = ? AND posting_key = ?

-- name: unreported
SELECT erp, posting_key, store, business_date, currency, amount
FROM recon_unreported JOIN recon_posting USING (erp, posting_key) JOIN recon_day USING (day_id)
WHERE told = 0 AND recon_unreported.confirmed_at < ? ORDER BY recon_unreported.confirmed_at LIMIT ?

-- name: told_unreported
UPDATE recon_unreported SET told = 1 WHERE erp = ? AND posting_key = ?
