-- Takes the cost of every limit, or of none.

local states, all = {}, true
for i = 1, #KEYS do
  local state = read(i)
  if state.counts then
    state.used = used(state)
    state.fits = state.used + state.cost <= state.limit
  end
  states[i] = state
  all = all and state.fits
end

local reply = {}
for i = 1, #KEYS do
  local state = states[i]
  if all and state.cost > 0 then
    local cost = state.cost
    if state.kind == 'b' then
      state.level = state.level + cost * state.price
    elseif state.kind == 'l' then
      local stamp = now
      if state.used > 0 then stamp = math.max(now, unpack_('<d', state.held, #state.held - 7)) end
      state.held, state.used = state.held .. string.rep(pack('<d', stamp), cost), state.used + cost
    else
      state.counts[1] = state.counts[1] + cost
    end
    write(state)
  end
  tell(reply, state, state.fits)
end
return reply
