-- The median of a list of numbers, which is sorted.  A benchmark's report.lua,
-- in a folder beside this file, loads it.
return function(list)
  table.sort(list)
  local half = #list // 2
  if #list % 2 == 1 then return list[half + 1] end
  return (list[half] + list[half + 1]) / 2
end
