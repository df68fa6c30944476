-- The client of this repository: one download after the other, to files, as
-- `archive` does it, without the vendor's pause between them.  Each is checked
-- for whole pages with the right checksums, and for the size that its row has.
local ccaas = require "ccaas"
local socket = require "socket"

local folder, files, size = arg[1], tonumber(arg[2]), tonumber(arg[3])

local start = socket.gettime()
local client = ccaas.new{
  provider = "xima", host = "bench.example", token = "bench-token",
  base_url = os.getenv("BENCH_BASE"), audio_interval = 0,
}
for i = 1, files do
  local name = ("%04d"):format(i)
  assert(client:audio({ tenantName = "acme", recordingKey = name, size = size },
    { file = ("%s/%s.ogg"):format(folder, name) }))
end
client:close()
print(("%.4f"):format(socket.gettime() - start))
