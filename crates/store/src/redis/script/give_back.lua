-- Gives the cost of every limit back: of a window, what was taken last.

local reply = {}
for i = 1, #KEYS do
  local state = read(i)
  local cost = state.cost
  if cost > 0 and redis.call('EXISTS', state.key) == 1 then
    if state.kind == 'b' then
      state.level = math.max(0, state.level - cost * state.price)
    elseif state.kind == 'l' then
      state.used = math.max(0, state.used - cost)
      state.held = string.sub(state.held, 1, state.used * 8)
    else
      for n = 1, 11 do
        local part = math.min(cost, state.counts[n])
        state.counts[n], cost = state.counts[n] - part, cost - part
      end
    end
    write(state)
  end
  tell(reply, state, true)
end
return reply
