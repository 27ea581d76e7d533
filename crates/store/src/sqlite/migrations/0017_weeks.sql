-- New dimension 4: an office by weeks; `day` is the week, counted from the first day of 1970, a Thursday.
INSERT INTO tally
    SELECT 4, id, week, group_concat(cell || ':' || n, ' ' ORDER BY cell)
    FROM (SELECT tally.id, day / 7 AS week, CAST(key AS INTEGER) AS cell, sum(value) AS n
          FROM tally, json_each('{"' || replace(replace(cells, ':', '":'), ' ', ',"') || '}')
          WHERE dimension = 1 AND day >= 0 GROUP BY 1, 2, 3 HAVING sum(value) <> 0)
    GROUP BY id, week;
