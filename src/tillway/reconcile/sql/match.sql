-- name: item
INSERT INTO recon_item (item_id, kind, party, reference, other_reference, store, business_date,
  currency, amount, position, due, match_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: matched
UPDATE recon_item SET match_id = ? WHERE item_id = ?

-- name: last_item
SELECT coalesce(max(item_id), 0) FROM recon_item

-- name: open_by_reference
SELECT :item FROM recon_item
WHERE match_id = 0 AND kind = ?1 AND reference IN (SELECT value FROM json_each(?2))
UNION
SELECT :item FROM recon_item
WHERE match_id = 0 AND kind = ?1 AND other_reference <> ''
  AND other_reference IN (SELECT value FROM json_each(?2))
ORDER BY item_id

-- name: open_of_kind
SELECT :item FROM recon_item WHERE match_id = 0 AND kind = ? ORDER BY item_id

-- name: overdue
SELECT :item FROM recon_item WHERE match_id = 0 AND due <> '' AND due < ? ORDER BY item_id LIMIT ?

-- name: items_of_day
SELECT :item FROM recon_item WHERE store = ? AND business_date = ? ORDER BY item_id

-- name: reported
INSERT INTO recon_reported (erp, document_number, posting_key, store, business_date, currency,
  amount, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (erp, document_number) DO UPDATE SET posting_key = excluded.posting_key,
  store = excluded.store, business_date = excluded.business_date, currency = excluded.currency,
  amount = excluded.amount, position = excluded.position

-- name: reports_of_key
SELECT document_number, currency, amount, position FROM recon_reported
WHERE erp = ? AND posting_key = ? ORDER BY document_number

-- name: posting_place
SELECT store, business_date, currency, amount FROM recon_posting JOIN recon_day USING (day_id)
WHERE erp = ? AND posting_key = ?

-- name: unreported
SELECT posting_key, store, business_date, currency, amount
FROM recon_posting JOIN recon_day USING (day_id)
WHERE recon_posting.state = 'confirmed' AND confirmed_at < ?1 AND NOT EXISTS (
  SELECT 1 FROM recon_reported WHERE recon_reported.erp = recon_posting.erp
    AND recon_reported.posting_key = recon_posting.posting_key)
ORDER BY confirmed_at LIMIT ?2
