-- What people look for, and what a screen shows of one shop. Each statement is answered from an
-- index or from the newest positions; none reads what else is stored.

-- name: find_number
SELECT :columns FROM message
WHERE store = ?1 AND sequence_number = ?3 AND workstation <> ''
  AND (?2 = '' OR workstation = ?2)
ORDER BY position DESC LIMIT ?4

-- name: find_object
SELECT :columns FROM message WHERE natural_key = ?1 AND sequence_number IS NULL
UNION ALL
SELECT :columns FROM message WHERE object_id = ?1 AND object_id <> ''
ORDER BY 1 DESC LIMIT ?2

-- name: find_receipt
SELECT :columns FROM message WHERE receipt_number = ? AND receipt_number <> ''
ORDER BY position DESC LIMIT ?

-- name: find_key
SELECT :columns FROM message
WHERE store = ?1 AND business_date = ?2 AND workstation = ?3 AND sequence_number = ?4
  AND workstation <> '' AND natural_key = ?5 ORDER BY position DESC LIMIT ?6

-- name: find_name
SELECT :columns FROM message WHERE message_id = ?1
UNION ALL
SELECT :columns FROM message
WHERE natural_key = ?1 AND sequence_number IS NOT NULL AND workstation = ''
ORDER BY 1 DESC LIMIT ?2

-- name: newest_of_store
SELECT :columns FROM message
WHERE position > (SELECT max(position) FROM message) - ?2 AND store = ?1
ORDER BY position DESC LIMIT ?3

-- name: register_days
-- The first run of the counter of each till on each date; from one date or till to the next by the
-- index, so that a day costs the same with ten receipts and with ten thousand.
WITH RECURSIVE day (at) AS (
  SELECT (SELECT position FROM message WHERE store = ?1 AND workstation <> ''
    ORDER BY business_date, workstation LIMIT 1)
  UNION ALL
  SELECT coalesce(
    (SELECT later.position FROM message AS later
      WHERE later.store = ?1 AND later.business_date = here.business_date
        AND later.workstation > here.workstation AND later.workstation <> ''
      ORDER BY later.workstation LIMIT 1),
    (SELECT later.position FROM message AS later
      WHERE later.store = ?1 AND later.business_date > here.business_date
        AND later.workstation <> ''
      ORDER BY later.business_date, later.workstation LIMIT 1))
  FROM day CROSS JOIN message AS here ON here.position = day.at
)
SELECT here.workstation, here.business_date, 0, (
    SELECT sequence_number FROM message AS one
    WHERE one.store = ?1 AND one.business_date = here.business_date
      AND one.workstation = here.workstation AND one.workstation <> ''
      AND one.sequence_number IS NOT NULL AND one.register_epoch = 0
    ORDER BY one.sequence_number LIMIT 1
  ) AS first, (
    SELECT sequence_number FROM message AS one
    WHERE one.store = ?1 AND one.business_date = here.business_date
      AND one.workstation = here.workstation AND one.workstation <> ''
      AND one.sequence_number IS NOT NULL AND one.register_epoch = 0
    ORDER BY one.sequence_number DESC LIMIT 1
  )
FROM day CROSS JOIN message AS here ON here.position = day.at WHERE first IS NOT NULL
UNION ALL
SELECT workstation, business_date, register_epoch, min(sequence_number), max(sequence_number)
FROM message
WHERE store = ?1 AND workstation <> '' AND register_epoch > 0 AND sequence_number IS NOT NULL
GROUP BY business_date, workstation, register_epoch
ORDER BY 2, 1, 3
