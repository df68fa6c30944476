--- A vendor that does not exist: pages by number, and a bearer token.

---@type ccaas.Vendor
return {
  name = "acme",
  address = { host = "https://%s/api", example = "calls.acme.test" },
  auth = { kind = "bearer" },
  options = { host = { check = "text" }, token = { check = "token_or_function", needed = true } },
  accept = "application/json",
  dialect = { messages = { "why" }, codes = { "number" }, references = { "trace" }, throttles = { "slow." } },
  paging = {
    kind = "page_number", page = "p", size = "n", most = 50, headers = { "at", "each", "pages", "rows" },
  },
  parameters = { skill = { "withSkill", "ids" }, active = { "active", "flag" } },
  results = { count = "ccaas.vendor.acme.count" },
  methods = {
    teams = { path = "/teams", takes = { "skill", "active" }, result = "stream",
      shape = { rename = { { "teamName", "name" } }, identity = { "id" } } },
    team = { path = "/teams/{team}", takes = {}, result = "row" },
    team_count = { path = "/teams/count", takes = { "skill" }, result = "count", member = "teams" },
  },
}
