-- Writes the answer that the benchmark's server gives out: `lua5.4 data.lua
-- <file> <rows>`, about 400 bytes a row, as the vendor sends them.  Prints what
-- a reader must have found: rows, sum of numbers, strings, rows of one agent
-- (see tally.lua).  The sum stays below 2^53: it is exact in doubles, in
-- whatever order it is made.

local path, rows = arg[1], tonumber(arg[2])
local DAY = 86400000

local state = 20240601

--- A number in 0 .. n-1, the same ones in each run.
local function random(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return math.floor(state / 65536) % n
end

-- The first one is the name that readers look for; tally.lua and its like
-- spell it decoded.
local agents = {
  [[Zo\u00eb \"Zed\" O\/Neil(104)]], "John Spector(105)", "Ivan Petrović(106)",
  "Иван Петров(107)", "李 伟(108)", "Alan (Al) Jones(271)", "José Núñez(109)",
  "Grace Okafor(110)", [[Front desk \ud83d\ude00(111)]], "Anna Schmidt(112)",
}
local skills = { "Customer Care", "Appointments", "Billing", "Notfälle", "" }
local tags = {
  "null", '"account=4711;note=callback requested by phone"', '""',
  [["account=1138;note=Caf\u00e9 \"Zoë\""]], '"campaign=summer;wave=2;list=17"',
}
local directions = { "INBOUND", "OUTBOUND", "INTERNAL" }

local row = '{"recordingKey":"%08x%04x%04x%08x%08x","callKey":"%08x-%04x-%04x-'
  .. '%012x","startTime":%d,"duration":%d,"size":%d,"eventId":%d,'
  .. '"recordingSystemId":%d,"status":"SAVED","callingParty":"+1303555%04d",'
  .. '"receivingParty":"%d","tenantName":"acme","tagData":%s,'
  .. '"callDirection":"%s","skill":"%s","agent":"%s"}'

local file = assert(io.open(path, "wb"))
local sum, strings, named = 0, 0, 0
local out = {}
for i = 1, rows do
  local start = 1751241600000 + i * 31 + random(31)
  local duration, size = 1000 + random(30000), 300 + random(32768)
  local agent, tag = 1 + random(#agents), 1 + random(#tags)
  sum = sum + start % DAY + duration + size
  if agent == 1 then named = named + 1 end
  if i % 1000 == 1 then strings = strings + (tag == 1 and 9 or 10) end
  out[#out + 1] = (i == 1 and "[" or ",") .. row:format(
    i, random(32768), random(32768), i * 7, i * 13, i * 3, random(32768),
    random(32768), i * 977, start, duration, size, 4100000000 + i,
    1 + random(3), random(10000), 100 + random(900), tags[tag],
    directions[1 + random(3)], skills[1 + random(#skills)], agents[agent])
  if #out == 1000 then
    assert(file:write(table.concat(out)))
    out = {}
  end
end
out[#out + 1] = "]"
assert(file:write(table.concat(out)))
assert(file:close())
print(("%d %d %d %d"):format(rows, sum, strings, named))
