--- The calling thread sleeps until the descriptor is readable.

---@type ccaas.Loop
return { wait = require("ccaas.core").poll }
