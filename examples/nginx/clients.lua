-- The clients of this example, made once, by init_by_lua_block { require "clients" }:
-- each worker goes on with threads and connections of its own.
--
-- Their settings are in the environment, and nginx.conf has to pass that on.
local ccaas = require "ccaas"

local function get(name)
  return os.getenv("CCAAS_" .. name)
end

return {
  x8 = ccaas.new {
    provider = "8x8", key = get "KEY", secret = get "SECRET", tenant = get "TENANT",
    base_url = get "X8_URL", token_url = get "X8_TOKEN_URL",
  },
  xima = ccaas.new { provider = "xima", host = get "HOST", token = get "TOKEN", base_url = get "XIMA_URL" },
}
