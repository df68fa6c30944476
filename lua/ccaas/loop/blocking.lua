--- The calling thread sleeps until the descriptor is readable.

return require("ccaas.core").poll
