--- The vendors that come with this library, in the order in which messages name
--- them.  Others are found by the name of their folder.

---@alias ccaas.Provider "8x8"|"xima"

return { "8x8", "xima" }
