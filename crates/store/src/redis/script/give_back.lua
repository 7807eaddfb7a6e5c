-- Gives the cost of every limit back: of a window, what was taken last.

local reply = {}
for i = 1, #KEYS do
  local state, cost = read(i), ARGV[5 * i - 3] + 0
  if cost > 0 and state.left < state.all then
    if state.kind == 'b' then
      state.level = math.max(0, state.level - cost * state.price)
    elseif state.kind == 'l' then
      state.held = string.sub(state.held, 1, math.max(0, #state.held - cost * 8))
    else
      for n = 1, 11 do
        local part = math.min(cost, state.counts[n])
        state.counts[n], cost = state.counts[n] - part, cost - part
      end
    end
    write(i, state)
    state = read(i)
  end
  local at = 5 * i
  reply[at - 4], reply[at - 3], reply[at - 2], reply[at - 1], reply[at] = tell(state, true, 0)
end
return reply
