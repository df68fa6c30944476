--- Vendors as data: finding a vendor's description, and checking it when it is
--- loaded.
---
--- A vendor is a folder `ccaas/vendor/NAME/` with a `description.lua` and the
--- modules that only this vendor needs.  The folder may be anywhere on
--- package.path: `provider = NAME` finds it.  Nothing outside that folder knows
--- the vendor's name, addresses or numbers.

local options = require "ccaas.options"
local query = require "ccaas.query"
local results = require "ccaas.result"
local schema = require "ccaas.schema"
local usage_error = require "ccaas.usage_error"

local vendors = {}

---@class ccaas.Vendor what a description.lua gives
---@field name string its folder's name, the value of option `provider`
---@field address ccaas.VendorAddress where the API is
---@field auth ccaas.VendorAuth how requests are authorized
---@field options table<string, ccaas.VendorOption> the options of `ccaas.new` that it adds
---@field tenant_header? string header with a sub-tenant's id; methods then take option `tenant`
---@field accept string value of the Accept header
---@field content_type? string value of the Content-Type header of all requests
---@field dialect ccaas.VendorDialect how its errors read
---@field paging? ccaas.VendorPaging of methods whose result is "stream"
---@field parameters table<string, string[]> option: its name in a query, and its kind, of `ccaas.query.kinds`
---@field methods table<string, ccaas.VendorMethod>
---@field results? table<string, string> kinds of results that only this vendor has: name and module
---@field programs? table<string, string> methods made of others: name and module, which gives the function

---@class ccaas.VendorAddress one of the three
---@field url? string the same for all customers
---@field regions? table<string, string> one for each value of option `region`; `%s` is option `version`
---@field region? string the default of option `region`
---@field version? string the default of option `version`
---@field host? string with `%s` for option `host`
---@field example? string a host, for messages

---@class ccaas.VendorAuth
---@field kind "client_credentials"|"bearer" OAuth 2 with options `key` and `secret`, or option `token`
---@field token_url? string of client_credentials; the default of option `token_url`

---@class ccaas.VendorOption
---@field check string a name in `options.checks`
---@field needed? boolean
---@field keep? boolean the vendor's modules find it in the client's internals, as `kept`; never a secret

---@class ccaas.VendorDialect paths are member names joined by dots
---@field messages string[] paths of the message in an error's body, the first that is there
---@field codes string[] of its code
---@field references string[] of the request's id
---@field throttles string[] codes that begin so mean a rate limit
---@field past_end? string a message with it means a page behind the last

---@class ccaas.VendorPaging
---@field kind "page_number"
---@field page string the parameter with the page's number, from 0
---@field size string the parameter with the page's size
---@field most integer rows of the largest page
---@field headers string[] page, page size, pages and rows in all, as response headers; "" for one that it lacks

---@class ccaas.VendorShape how a row becomes a table
---@field rename? string[][] pairs of member name and ours
---@field identity? string[] members that together are a row's id
---@field map? string member with a list of key and value, which becomes a map
---@field map_key? string
---@field map_value? string

---@class ccaas.VendorMethod
---@field path string below the address; `{name}` is an id, an argument of the method
---@field result string a kind of `ccaas.result`, or of the vendor's own `results`
---@field takes string[] options that are parameters
---@field needs? string[] options of which one is needed
---@field needs_all? string[] options that are all needed
---@field first? string the option that is the method's first argument
---@field fields? string[] members of a row that are the path's ids; the row is the first argument
---@field row_of? string the method that gives such rows
---@field accept? string
---@field content_type? string
---@field shape? ccaas.VendorShape
---@field totals? string of kind "stream": name of the row with the totals
---@field key? string of kinds "rows" and "items": member of the answer that has the rows
---@field each? fun(row: any): any of kind "rows": what becomes of each row
---@field parts? table<string, ccaas.VendorPart> of kind "document": its lists

---@class ccaas.VendorPart
---@field rename? table<string, string> member name and ours
---@field shape? ccaas.VendorShape of the part's rows
---@field inner? { member: string, shape: ccaas.VendorShape } rows inside of an item

-- -- The schema ------------------------------------------------------------------

local one_of, list_of = schema.one_of, schema.list_of
local texts = list_of("string")

local shape = { fields = {
  ["rename?"] = { list = list_of("string", 2) }, ["identity?"] = texts,
  ["map?"] = "string", ["map_key?"] = "string", ["map_value?"] = "string",
} }

-- The words that methods of all kinds may have.
local common_words = {
  path = function(value)
    if type(value) ~= "string" or not value:find("^/") then
      return "must be a string that begins with a slash"
    elseif value:gsub("{[a-z]+}", ""):find("[{}?#]") then
      return "may have ids like {queue}, in small letters, and no query: " .. value
    end
  end,
  result = "string", takes = texts,
  ["needs?"] = texts, ["needs_all?"] = texts, ["first?"] = "string",
  ["fields?"] = texts, ["row_of?"] = "string",
  ["accept?"] = "string", ["content_type?"] = "string", ["shape?"] = shape,
}

-- The words that the kinds of ccaas.result add.
local words_of = {
  stream = { ["totals?"] = "string" },
  row = {},
  rows = { ["key?"] = "string", ["each?"] = "function" },
  items = { ["key?"] = "string" },
  document = { parts = { map = { fields = {
    ["rename?"] = { map = "string" }, ["shape?"] = shape,
    ["inner?"] = { fields = { member = "string", shape = shape } },
  } } } },
}

-- The options that each kind of credentials is given by.
local credentials = { client_credentials = { "key", "secret", "token_url" }, bearer = { "token" } }

local vendor = { fields = {
  name = "string",
  address = { fields = {
    ["url?"] = "string", ["regions?"] = { map = "string" }, ["region?"] = "string", ["version?"] = "string",
    ["host?"] = "string", ["example?"] = "string",
  } },
  auth = { fields = { kind = one_of(credentials), ["token_url?"] = "string" } },
  options = { map = { fields = { check = one_of(options.checks), ["needed?"] = "boolean", ["keep?"] = "boolean" } } },
  ["tenant_header?"] = "string", accept = "string", ["content_type?"] = "string",
  dialect = { fields = {
    messages = texts, codes = texts, references = texts, throttles = texts, ["past_end?"] = "string",
  } },
  ["paging?"] = { fields = {
    kind = one_of { page_number = true }, page = "string", size = "string", most = "number",
    headers = list_of("string", 4),
  } },
  parameters = { map = { tuple = { "string", one_of(query.kinds) } } },
  methods = { map = "table" }, -- each by the words of its kind
  ["results?"] = { map = "string" }, ["programs?"] = { map = "string" },
} }

-- A kind of result: the vendor's own, or one that all have.
local function kind_of(description, name)
  local module = description.results and description.results[name]
  return module and require(module) or results[name]
end

-- What a method's kind may be.
local function kinds_of(description)
  local known = {}
  for _, set in ipairs { results, description.results or {} } do
    for name in pairs(set) do
      known[name] = true
    end
  end
  return known
end

-- Options that a method names must be known: those that it takes to the
-- description, the others to what it takes.
local function check_names_of(where, description, method)
  local takes = {}
  for _, option in ipairs(method.takes) do
    schema.check(where .. ".takes", option, one_of(description.parameters))
    takes[option] = true
  end
  for _, word in ipairs { "needs", "needs_all" } do
    for _, option in ipairs(method[word] or {}) do
      schema.check(where .. "." .. word, option, one_of(takes))
    end
  end
  if method.first then
    schema.check(where .. ".first", method.first, one_of(takes))
  end
  if method.fields then
    schema.check(where .. ".row_of", method.row_of, one_of(description.methods))
  end
end

local function check_method(where, description, method)
  schema.check(where .. ".result", method.result, one_of(kinds_of(description)))
  local kind, words = kind_of(description, method.result), {}
  for _, set in ipairs { common_words, kind.words or words_of[method.result] or {} } do
    for word, field in pairs(set) do
      words[word] = field
    end
  end
  schema.check(where, method, { fields = words })
  check_names_of(where, description, method)
  if method.result == "stream" and not description.paging then
    error(("%s gives pages, so the description needs `paging`"):format(where), 0)
  end
end

local function check_address(where, address)
  if address.regions then
    if not address.region or not address.version then
      error(("%s.regions needs a `region` and a `version`, the defaults"):format(where), 0)
    end
    schema.check(where .. ".region", address.region, one_of(address.regions))
  elseif address.host then
    if not address.host:find("%s", 1, true) or not address.example then
      error(("%s.host needs `%%s`, where the host is put, and an `example` of one"):format(where), 0)
    end
  elseif not address.url then
    error(("%s needs one of `url`, `host` and `regions`"):format(where), 0)
  end
end

--- Checks a vendor's description.  Raises a message that names what is wrong,
--- without a position.
---@param description any
---@param name string the name of its folder
---@return ccaas.Vendor description
function vendors.check(description, name)
  local where = ("the description of vendor %q"):format(name)
  schema.check(where, description, vendor)
  schema.check(where .. ".name", description.name, one_of { [name] = true })
  check_address(where .. ".address", description.address)
  for _, option in ipairs(credentials[description.auth.kind]) do
    if not description.options[option] then
      error(("%s.options needs `%s`, as auth.kind is %q"):format(where, option, description.auth.kind), 0)
    end
  end
  for method_name, method in pairs(description.methods) do
    if method_name == "request" or method_name == "close" or (description.programs or {})[method_name] then
      error(("%s.methods: the name `%s` is taken"):format(where, method_name), 0)
    end
    check_method(("%s.methods.%s"):format(where, method_name), description, method)
  end
  return description
end

-- -- Finding one -----------------------------------------------------------------

local loaded = {}

-- The description's module; nil: there is none of that name.
local function load_description(name)
  local module = ("ccaas.vendor.%s.description"):format(name)
  local fine, description = pcall(require, module)
  if fine then
    return description
  elseif type(description) == "string" and description:find(("module '%s' not found"):format(module), 1, true) then
    return nil
  end
  error(description, 0)
end

--- The vendor that option `provider` names.  A name that is unknown raises at the
--- caller's line, and so does a description that is wrong.
---@param name any
---@return ccaas.Vendor
function vendors.find(name)
  if loaded[name or false] then
    return loaded[name]
  end
  local listed = require "ccaas.vendor.list"
  if name == nil then
    usage_error.raise("ccaas.new: needs option `provider`: \"%s\"", table.concat(listed, "\" or \""))
  end
  local description = type(name) == "string" and name:find("^[A-Za-z0-9_-]+$") and load_description(name)
  if not description then
    local known = {}
    for _, one in ipairs(listed) do
      known[one] = true
    end
    usage_error.raise("ccaas.new: unknown provider %q%s", tostring(name), usage_error.hint(name, known))
  end
  local fine, reason = pcall(vendors.check, description, name)
  if not fine then
    usage_error.raise("ccaas.new: %s", reason)
  end
  loaded[name] = description
  return description
end

--- The kind of a method's result: { result = function, options?, words? }.
---@param description ccaas.Vendor
---@param name string the kind
---@return table
vendors.kind_of = kind_of

return vendors
