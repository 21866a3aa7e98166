// flow.js - the live marble diagram of a flow: one row for each operator, a marble for each item
// that left it, at its event time. What has the same cause has the same colour.
//
// GET /flows/{flow}/marbles sends the marks; what the flow had made before is read from its events.
'use strict';
(() => {
  const flow = document.currentScript.dataset.flow;
  const url = `/flows/${flow}`;
  const find = (id) => document.getElementById(id);
  const canvas = document.querySelector('#stage canvas');
  const pen = canvas.getContext('2d');
  const tip = find('tip');
  const badge = document.querySelector('h1 .state');

  const rowHeight = 44;
  const axisHeight = 26;
  const edge = 22; // free space left and right
  const marksMax = 500; // of a row
  const nearMs = 60_000; // event time so near to the clock moves with it
  const spans = [1e4, 6e4, 6e5, 36e5, 6 * 36e5, 864e5, 7 * 864e5, 30 * 864e5, 365 * 864e5, 20 * 365 * 864e5];
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;

  const rows = [...document.querySelectorAll('#rows li')].map((element) => ({
    element,
    node: element.dataset.node,
    side: element.dataset.side,
    kind: element.dataset.kind,
    output: element.querySelector('output'),
    marks: [],
  }));
  const nodes = rows.filter((row) => row.node !== undefined);
  const rowOf = new Map(nodes.map((row) => [row.node, row]));
  const shown = () => rows.filter((row) => !row.element.hidden);

  let status = null; // the newest event `flow`
  let newest = -Infinity; // event time of the newest mark
  let head = NaN; // event time at the right edge
  let span = spans[0]; // ms of event time that are shown
  let dropped = 0;
  let paused = false;
  let pointer = null;
  let connected = false;

  // --- Marks -----------------------------------------------------------------------------------

  const spread = (text) => {
    let hash = 2166136261;
    for (const character of text) hash = Math.imul(hash ^ character.codePointAt(0), 16777619);
    return ((hash >>> 0) * 0.61803398875 * 360) % 360;
  };

  const compact = [3, 2].map((maximumSignificantDigits) => new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits }));

  // A few characters that say which value it is: a number, or the first number or text in it.
  const shortOf = (value) => {
    const one = value !== null && typeof value === 'object' ? Object.values(value).find((v) => typeof v === 'number')
      ?? Object.values(value).find((v) => typeof v === 'string' && v.length < 12) : value;
    if (typeof one === 'number') {
      const text = compact[0].format(one);
      return text.length > 4 ? compact[1].format(one) : text;
    }
    return typeof one === 'string' || typeof one === 'boolean' ? String(one).slice(0, 4) : '';
  };

  const add = (row, mark, isNew) => {
    // What failed may have no event time, but that of its commit: it moves nothing.
    const t = row.side === undefined ? Date.parse(mark.t) : Math.min(Date.parse(mark.t), newest);
    if (!Number.isFinite(t)) return;
    const at = { ...mark, t, born: isNew ? performance.now() : -Infinity, label: shortOf(mark.value), hue: spread(String(mark.position)) };
    row.marks.push(at);
    if (row.marks.length > 1 && row.marks.at(-2).t > t) row.marks.sort((a, b) => a.t - b.t);
    if (row.marks.length > marksMax) row.marks.shift();
    newest = Math.max(newest, t);
  };

  const markOfEvent = (event) => ({
    t: event.metadata?.time ?? event.time,
    position: event.metadata?.cause ?? event.position,
    value: event.data,
    type: event.type,
  });

  const read = async (query) => {
    const answer = await fetch(`${url}/events?direction=backward&${query}`, { headers: { accept: 'application/json' } });
    return answer.ok ? (await answer.json()).events.reverse() : [];
  };

  // What the flow had made before somebody looked stands in the rows that emit it.
  const readMade = async () => {
    const graph = await (await fetch(url, { headers: { accept: 'application/json' } })).json();
    const rowsOfType = new Map();
    for (const node of graph.nodes ?? []) {
      if (node.op === 'emit' && rowOf.has(node.name)) rowsOfType.set(node.type, rowOf.get(node.name));
      if (node.matched === false) rowOf.get(node.name)?.element.querySelector('span').append(' · nothing in the log matches');
    }
    for (const event of await read('limit=80')) {
      const row = rowsOfType.get(event.type);
      if (row !== undefined) add(row, markOfEvent(event), false);
    }
  };

  const sideCounts = { late: 0, errors: 0 };
  const readSide = async (row, count) => {
    const more = Math.min(count - sideCounts[row.side], 80);
    sideCounts[row.side] = count;
    if (more <= 0) return;
    for (const event of await read(`side=${row.side}&limit=${more}`)) add(row, markOfEvent(event), true);
  };

  // --- Numbers of the page ---------------------------------------------------------------------

  const grouped = (number) => Number(number).toLocaleString('en');

  // The pill at a card of the drawing keeps its right end.
  const showInGraph = (node, number) => {
    const card = document.querySelector(`.graph [data-node="${node}"]`);
    const [text, pill] = [card?.querySelector('.ff-note'), card?.querySelector('.ff-pill')];
    if (!text || number === 0 || text.textContent === grouped(number)) return;
    text.textContent = grouped(number);
    const right = Number(pill.getAttribute('x')) + Number(pill.getAttribute('width'));
    const needed = Math.ceil(text.getComputedTextLength()) + 16;
    pill.setAttribute('width', needed);
    pill.setAttribute('x', right - needed);
    text.setAttribute('x', right - needed / 2);
  };

  const showFailure = (now) => {
    find('failure').hidden = now.failure === undefined;
    if (now.failure === undefined) return;
    const where = document.createElement('strong');
    if (now.failedPosition !== undefined) {
      const link = Object.assign(document.createElement('a'), { href: `/events/${now.failedPosition}`, textContent: now.failedPosition });
      where.append('At position ', link, now.failedNode === undefined ? '' : `, ${now.failedNode}`, ': ');
    }
    find('failure').replaceChildren(where, now.failure);
  };

  const showStatus = (now) => {
    status = now;
    for (const id of ['events', 'taken', 'lag', 'position', 'late', 'errors', 'keys', 'bytes']) {
      find(id).textContent = grouped(now[id]);
    }
    find('watermark').textContent = now.watermark?.replace('T', ' ').replace(/\.000Z$/, 'Z') ?? '–';
    badge.textContent = now.state;
    badge.className = `state ${now.state}`;
    showFailure(now);
    now.counts.forEach((counts, i) => {
      nodes[i].output.textContent = grouped(counts.out);
      showInGraph(i, counts.out);
    });
    for (const row of rows.filter((one) => one.side !== undefined)) {
      row.element.hidden = now[row.side] === 0;
      row.output.textContent = grouped(now[row.side]);
      readSide(row, now[row.side]).catch(() => {}); // the next change reads again
    }
  };

  const showNote = () => {
    const parts = [];
    if (!connected) parts.push('not connected');
    if (paused) parts.push('paused');
    if (dropped > 0) parts.push(`${grouped(dropped)} too fast to be shown`);
    find('note').textContent = parts.join(' · ');
  };

  // --- Time and place --------------------------------------------------------------------------

  const width = () => canvas.clientWidth;
  const placeOf = (t) => width() - edge - ((head - t) / span) * (width() - 2 * edge);

  // As little as holds the newest marks of the fullest row.
  const fittingSpan = () => {
    const row = nodes.reduce((most, one) => (one.marks.length > most.marks.length ? one : most), nodes[0]);
    const first = row.marks.at(-24) ?? row.marks[0];
    return spans.find((one) => first === undefined || head - first.t < one * 0.95) ?? spans.at(-1);
  };

  const moveTime = (elapsed) => {
    if (newest === -Infinity) return;
    const clock = Date.now();
    const goal = Math.abs(clock - newest) < nearMs ? Math.max(clock, newest) : newest;
    const share = calm || Number.isNaN(head) ? 1 : 1 - Math.exp(-elapsed / 250);
    head = Number.isNaN(head) ? goal : head + (goal - head) * (goal - head < 2000 && goal >= head ? 1 : share);
    const wanted = Number(find('span').value) || fittingSpan();
    span = Math.exp(Math.log(span) + (Math.log(wanted) - Math.log(span)) * share);
  };

  // --- Drawing ---------------------------------------------------------------------------------

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const isDark = matchMedia('(prefers-color-scheme: dark)');
  const fill = (hue) => `hsl(${hue} ${isDark.matches ? '62% 62%' : '66% 52%'})`;

  const fit = (height) => {
    const scale = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width() * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.style.height = `${height}px`;
      canvas.width = Math.round(width() * scale);
      canvas.height = Math.round(height * scale);
    }
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width(), height);
  };

  const steps = [1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 18e5, 36e5, 108e5, 216e5, 432e5, 864e5, 2 * 864e5, 7 * 864e5, 30 * 864e5, 365 * 864e5, 5 * 365 * 864e5];
  const timeLabel = (t, step) => {
    const text = new Date(t).toISOString();
    return step >= 864e5 ? text.slice(0, 10) : step >= 6e4 ? `${text.slice(5, 10)} ${text.slice(11, 16)}` : text.slice(11, 19);
  };

  const drawAxis = (height) => {
    const step = steps.find((one) => (one / span) * width() > 110) ?? steps.at(-1);
    pen.font = '11px system-ui, sans-serif';
    pen.textAlign = 'center';
    pen.textBaseline = 'alphabetic';
    for (let t = Math.floor(head / step) * step; placeOf(t) > edge; t -= step) {
      const x = placeOf(t);
      pen.strokeStyle = colour('line');
      pen.beginPath();
      pen.moveTo(x, 0);
      pen.lineTo(x, height - axisHeight);
      pen.stroke();
      pen.fillStyle = colour('soft');
      pen.fillText(timeLabel(t, step), Math.min(x, width() - 40), height - 8);
    }
  };

  const drawWatermark = (height) => {
    const t = Date.parse(status?.watermark ?? '');
    if (Number.isNaN(t) || placeOf(t) < edge) return;
    pen.strokeStyle = colour('time');
    pen.setLineDash([3, 4]);
    pen.beginPath();
    pen.moveTo(placeOf(t), 0);
    pen.lineTo(placeOf(t), height - axisHeight);
    pen.stroke();
    pen.setLineDash([]);
  };

  const drawLine = (y) => {
    pen.strokeStyle = colour('soft');
    pen.globalAlpha = 0.55;
    pen.beginPath();
    pen.moveTo(edge / 2, y);
    pen.lineTo(width() - 8, y);
    pen.moveTo(width() - 13, y - 4);
    pen.lineTo(width() - 8, y);
    pen.lineTo(width() - 13, y + 4);
    pen.stroke();
    pen.globalAlpha = 1;
  };

  const drawCross = (x, y, size) => {
    pen.strokeStyle = colour('bad');
    pen.lineWidth = 2.5;
    pen.beginPath();
    pen.moveTo(x - size, y - size);
    pen.lineTo(x + size, y + size);
    pen.moveTo(x + size, y - size);
    pen.lineTo(x - size, y + size);
    pen.stroke();
    pen.lineWidth = 1;
  };

  const drawMarble = (mark, x, y, radius, now, lit) => {
    const age = calm ? 1 : Math.min(1, (now - mark.born) / 180);
    const r = radius * (0.3 + 0.7 * age) + (lit ? 2 : 0);
    pen.beginPath();
    pen.arc(x, y, r, 0, 2 * Math.PI);
    pen.fillStyle = fill(mark.hue);
    pen.fill();
    pen.strokeStyle = lit ? colour('ink') : colour('card');
    pen.lineWidth = lit ? 2 : 1.5;
    pen.stroke();
    pen.lineWidth = 1;
    if (r > 10 && mark.label !== '') {
      pen.fillStyle = isDark.matches ? '#12151c' : '#fff';
      pen.font = `600 ${mark.label.length > 3 ? 8.5 : 10}px system-ui, sans-serif`;
      pen.textAlign = 'center';
      pen.textBaseline = 'middle';
      pen.fillText(mark.label, x, y + 0.5);
    }
  };

  // Large enough to be read, unless they would lie over each other.
  const radiusOf = (marks) => {
    const gaps = marks.slice(1).map((mark, i) => placeOf(mark.t) - placeOf(marks[i].t)).filter((gap) => gap > 1).sort((a, b) => a - b);
    const usual = gaps[Math.floor(gaps.length / 3)] ?? 26;
    return Math.max(6, Math.min(13, usual * 0.6));
  };

  // Places the marks of a row that are in view; those at the same spot step aside.
  const place = (row, y) => {
    const seen = row.marks.filter((mark) => placeOf(mark.t) > edge / 2 && placeOf(mark.t) < width());
    const radius = radiusOf(seen);
    let last = -Infinity;
    let stack = 0;
    return seen.map((mark) => {
      const x = placeOf(mark.t);
      stack = x - last < 3 ? stack + 1 : 0;
      last = x;
      return { row, mark, x, y: y + (stack === 0 ? 0 : (stack % 2 === 0 ? 1 : -1) * Math.min(Math.ceil(stack / 2) * 4, 12)), radius };
    });
  };

  const nearest = (placed) => {
    if (pointer === null) return null;
    const far = (one) => Math.hypot(one.x - pointer.x, one.y - pointer.y);
    const best = placed.reduce((a, b) => (a === null || far(b) < far(a) ? b : a), null);
    return best !== null && far(best) < best.radius + 8 ? best : null;
  };

  const drawStop = (all, height) => {
    if (status?.state !== 'stopped') return;
    const index = all.findIndex((row) => row.node === status.failedNode);
    const y = index < 0 ? (height - axisHeight) / 2 : index * rowHeight + rowHeight / 2;
    drawCross(width() - edge, y, 8);
  };

  const drawHint = (height) => {
    pen.fillStyle = colour('soft');
    pen.font = '13px system-ui, sans-serif';
    pen.textAlign = 'center';
    pen.fillText('What passes from now on is shown here.', width() / 2, height - 8);
  };

  const showTip = (hit) => {
    tip.hidden = hit === null;
    if (hit === null) return;
    const { mark, row } = hit;
    const lines = [`${row.node ?? row.side}${mark.type === undefined ? '' : ` · ${mark.type}`}`,
      new Date(mark.t).toISOString(), `caused by position ${mark.position}`];
    if (mark.key !== undefined) lines.push(`key ${[].concat(mark.key).map((part) => JSON.stringify(part)).join(', ')}`);
    tip.replaceChildren(...lines.map((line) => Object.assign(document.createElement('div'), { textContent: line })),
      Object.assign(document.createElement('pre'), { textContent: mark.short !== undefined ? `${mark.short}…` : JSON.stringify(mark.value, null, 1) }));
    const stage = find('stage');
    const left = stage.offsetLeft + hit.x;
    tip.style.top = `${hit.y + 20}px`;
    tip.style.left = `${Math.max(0, Math.min(left - 60, stage.offsetLeft + width() - tip.offsetWidth))}px`;
  };

  const draw = (now) => {
    const all = shown();
    const height = all.length * rowHeight + axisHeight;
    fit(height);
    all.forEach((row, i) => drawLine(i * rowHeight + rowHeight / 2));
    if (Number.isNaN(head)) {
      drawHint(height);
      drawStop(all, height);
      return;
    }
    drawAxis(height);
    drawWatermark(height);
    const placed = all.flatMap((row, i) => place(row, i * rowHeight + rowHeight / 2));
    const hit = nearest(placed);
    const same = hit === null ? [] : placed.filter((one) => one.mark.position === hit.mark.position);
    if (same.length > 1) {
      pen.strokeStyle = fill(hit.mark.hue);
      pen.beginPath();
      same.forEach((one) => pen.lineTo(one.x, one.y));
      pen.stroke();
    }
    for (const one of placed) {
      if (one.row.side === undefined) drawMarble(one.mark, one.x, one.y, one.radius, now, same.includes(one));
      else drawCross(one.x, one.y, 5);
    }
    drawStop(all, height);
    showTip(hit);
  };

  let drawnAt = performance.now();
  const frame = (now) => {
    if (!paused) moveTime(now - drawnAt);
    drawnAt = now;
    draw(now);
    requestAnimationFrame(frame);
  };

  // --- Begin -----------------------------------------------------------------------------------

  const listen = () => {
    const source = new EventSource(`${url}/marbles`);
    source.addEventListener('open', () => { connected = true; showNote(); });
    source.addEventListener('error', () => { connected = false; showNote(); });
    source.addEventListener('flow', (event) => showStatus(JSON.parse(event.data)));
    source.addEventListener('dropped', (event) => { dropped += JSON.parse(event.data).count; showNote(); });
    source.addEventListener('mark', (event) => {
      const mark = JSON.parse(event.data);
      if (!paused && rowOf.has(mark.node)) add(rowOf.get(mark.node), mark, true);
    });
  };

  canvas.addEventListener('pointermove', (event) => { pointer = { x: event.offsetX, y: event.offsetY }; });
  canvas.addEventListener('pointerleave', () => { pointer = null; });
  find('pause').addEventListener('click', () => {
    paused = !paused;
    find('pause').textContent = paused ? 'Go on' : 'Pause';
    showNote();
  });
  readMade().catch(() => {}).finally(listen); // without what was before it begins empty
  requestAnimationFrame(frame);
})();
