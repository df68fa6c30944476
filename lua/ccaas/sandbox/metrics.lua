--- The documented metric names of the 8x8 real-time API, by endpoint.  Data:
-- names that share their periods stand together.

local periods = {
  i = { "int-15m", "int-30m", "today" },
  a = { "int-15m", "int-30m", "rt", "today" },
  r = { "rt" },
  t = { "today" },
  s = {
    "int-12h", "int-15m", "int-1h", "int-30m", "int-4h", "int-8h", "today",
  },
  q = { "int-15m.inQueue", "int-30m.inQueue", "today.inQueue" },
}

local stems = {
  queues = {
    i = [[
      abandoned abandonedPercentage accepted acceptedPercentage
      avgDivertedTime avgHandlingTime avgOfferingTime avgProcessingTime
      avgWorkTime avgWrapUpTime diverted divertedPercentage entered
      interactionsAvgWaitTime longestOfferingTimeInQueue newInQueue
      shortAbandoned shortAbandonedPercentage totalAbandoned
      totalAbandonedPercentage
    ]],
    a = [[
      interactionsLongestWaitInQueue
    ]],
    r = [[
      availableIdle busy busyExternal busyOther eligible enabled handling
      interactionsHandling interactionsWaitInQueue interactionsWrapUp
      offering onBreak workingOffline wrapUp
    ]],
    t = [[
      slaPercentageTarget slaTimeThreshold
    ]],
    s = [[
      acceptedInSla acceptedInSlaPercentage slaPercentage
    ]],
  },
  groups = {
    r = [[
      availableIdle eligible enabled handling onBreak workingOffline
      wrapUp
    ]],
  },
  agents_in_queue = {
    i = [[
      availableTime availableTimePercentage busyTime busyTimePercentage
      directInboundTime directInbounds directOutboundTime directOutbounds
      handlingTime handlingTimePercentage internalCalls
      internalCallsInitiated internalCallsReceived internalCallsTime
      offeringTime onBreakTime onBreakTimePercentage workingOfflineTime
      workingOfflineTimePercentage wrapUpTime wrapUpTimePercentage
    ]],
    a = [[
      loggedInTime
    ]],
    r = [[
      alerting lastLogin lastLogout lastStatusChange lastStatusCodeChange
      line1Status line1TimeOnStatus line2Status line2TimeOnStatus status
      statusCode timeOnStatus timeOnStatusCode
    ]],
    q = [[
      accepted averageHandlingTime averageHoldTime averageOfferingTime
      averageWrapUpTime blindTransfers conferenceTime conferences
      consultations hold longestHold longestOffering offered onHoldTime
      rejectTimeout rejected transfersInitiated
      transfersInitiatedPercentage transfersReceived warmTransfers
    ]],
  },
  agents = {
    i = [[
      accepted availableTime availableTimePercentage averageHandlingTime
      averageHoldTime averageOfferingTime averageWrapUpTime blindTransfers
      busyTime busyTimePercentage conferenceTime conferences consultations
      directInboundTime directInbounds directOutboundTime directOutbounds
      handlingTime handlingTimePercentage hold internalCalls
      internalCallsInitiated internalCallsReceived internalCallsTime
      longestHold longestOffering offered offeringTime onBreakTime
      onBreakTimePercentage onHoldTime rejectTimeout rejected
      transfersInitiated transfersInitiatedPercentage transfersReceived
      warmTransfers workingOfflineTime workingOfflineTimePercentage
      wrapUpTime wrapUpTimePercentage
    ]],
    a = [[
      loggedInTime
    ]],
    r = [[
      activeChannels activeDirections activeInteractionsCount activeQueues
      alerting lastLogin lastLogout lastStatusChange lastStatusCodeChange
      line1Status line1TimeOnStatus line2Status line2TimeOnStatus status
      statusCode timeOnStatus timeOnStatusCode
    ]],
  },
}

local function names_of(endpoint)
  local names = {}
  for kind, text in pairs(endpoint) do
    for stem in text:gmatch("%S+") do
      for _, period in ipairs(periods[kind]) do
        names[#names + 1] = stem .. "." .. period
      end
    end
  end
  table.sort(names)
  return names
end

---@class ccaas.sandbox.metrics
---@field queues string[]
---@field groups string[]
---@field agents_in_queue string[] also of agents-in-queue-groups
---@field agents string[] of a group's agents and of all agents
local metrics = {}
for endpoint, names in pairs(stems) do
  metrics[endpoint] = names_of(names)
end

return metrics
