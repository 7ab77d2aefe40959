// The page Sales Scorecard: the figures of a company, team or salesperson, and what can be done today.
frappe.provide("sales_kpi");

frappe.pages["sales-scorecard"].on_page_load = function (wrapper) {
	wrapper.scorecard = new sales_kpi.Scorecard(wrapper);
};

frappe.pages["sales-scorecard"].on_page_show = function (wrapper) {
	wrapper.scorecard.open_from_address();
	// Version 16 shows the sidebar of where somebody came from, and none to who opens the page from a bookmark.
	const { sidebar } = frappe.app;
	if (sidebar?.setup && !sidebar.workspace_title) sidebar.setup("Sales KPI");
};

sales_kpi.Scorecard = class Scorecard {
	constructor(wrapper) {
		this.wrapper = wrapper;
		this.page = frappe.ui.make_app_page({
			parent: wrapper,
			title: __("Sales Scorecard"),
			single_column: true,
		});
		this.page.set_secondary_action(__("Print"), () => window.print(), { icon: "printer" });
		this.asked = null;
		this.turn = 0;
		this.draw_frame();
	}

	// What is asked for

	open_from_address() {
		const given = {
			...(frappe.route_options || {}),
			...Object.fromEntries(new URLSearchParams(window.location.search)),
		};
		// Else the next list that is opened would take them for its filters.
		frappe.route_options = null;
		const asked = {};
		for (const name of ["company", "by", "scope", "every", "day", "calendar"]) {
			if (given[name]) asked[name] = String(given[name]);
		}
		if (this.asked && JSON.stringify(asked) === JSON.stringify(this.asked)) return;
		this.load(asked);
	}

	// Ask for something else, and let the address say so.
	choose(changed) {
		const asked = { ...(this.chosen || this.asked), ...changed };
		if (this.is_usual_calendar && !changed.calendar) delete asked.calendar;
		for (const name of Object.keys(asked)) if (!asked[name]) delete asked[name];
		const address = `${window.location.pathname}?${new URLSearchParams(asked)}`;
		window.history.pushState(null, null, address);
		this.load(asked);
	}

	async load(asked) {
		const turn = ++this.turn;
		this.asked = asked;
		this.is_usual_calendar = !asked.calendar;
		this.show_skeleton();
		const { company, by, scope } = asked;
		const parts = [
			this.ask("scorecard", asked).then((told) => ["scorecard", told]),
			this.ask("members", asked).then((told) => ["members", told]),
			this.ask("to_reach", { company, by, scope }).then((told) => ["to_reach", told]),
		];
		for (const part of parts) {
			part.then(([name, told]) => {
				if (turn !== this.turn) return;
				if (told.refused) this.show_refusal(name, told.refused);
				else this[`show_${name}`](told.message);
			});
		}
		await Promise.all(parts);
		if (turn === this.turn) this.body.removeAttribute("aria-busy");
	}

	// The answer of the server, or the sentence by which it refuses.
	ask(method, args) {
		return new Promise((resolve) => {
			const refuse = (answer) => resolve({ refused: this.sentences(answer) });
			frappe
				.call({
					method: `sales_kpi.site.scorecard_page.${method}`,
					type: "GET",
					args: Object.fromEntries(Object.entries(args).filter(([, value]) => value)),
					error_handlers: { ValidationError: refuse, PermissionError: refuse },
				})
				.then((answer) => resolve(answer || {}))
				.catch(() => resolve({ refused: [__("The figures could not be read. Try again in a moment.")] }));
		});
	}

	sentences(answer) {
		const messages = JSON.parse(answer?._server_messages || "[]").map((one) => JSON.parse(one).message);
		return messages.length ? messages : [__("You may not see this.")];
	}

	// Frame

	draw_frame() {
		this.body = document.createElement("div");
		this.body.className = "sales-scorecard";
		this.body.innerHTML = `
			<div class="scorecard-pickers" role="group" aria-label="${__("What is shown")}">
				<select class="form-control" data-picker="company" aria-label="${__("Company")}"></select>
				<select class="form-control" data-picker="scope" aria-label="${__("Of Whom or What")}"></select>
				<select class="form-control" data-picker="every" aria-label="${__("Period")}">
					${this.options([
						["week", __("Week")],
						["month", __("Month")],
						["quarter", __("Quarter")],
						["year", __("Year")],
					])}
				</select>
				<select class="form-control" data-picker="calendar" aria-label="${__("Calendar")}">
					${this.options([
						["", __("Usual calendar")],
						["gregorian", __("Gregorian")],
						["fiscal", __("Fiscal")],
						["jalali", __("Jalali")],
					])}
				</select>
			</div>
			<div class="scorecard-period">
				<button class="btn btn-default btn-sm" data-go="previous" aria-label="${__("Period before")}">
					<span class="scorecard-turn" aria-hidden="true">‹</span></button>
				<div class="scorecard-when" aria-live="polite"></div>
				<button class="btn btn-default btn-sm" data-go="next" aria-label="${__("Next period")}">
					<span class="scorecard-turn" aria-hidden="true">›</span></button>
				<button class="btn btn-default btn-sm" data-go="now">${__("Now")}</button>
			</div>
			<div class="scorecard-notes"></div>
			<div class="scorecard-sections">
				<section data-part="scorecard" aria-label="${__("KPIs")}"></section>
				<section data-part="to_reach" aria-label="${__("To reach it")}"></section>
				<section data-part="members" aria-label="${__("Teams and salespeople")}"></section>
				<section data-part="missing"></section>
			</div>`;
		$(this.page.main).append(this.body);
		for (const picker of this.body.querySelectorAll("[data-picker]")) {
			picker.addEventListener("change", () => this.pick(picker.dataset.picker, picker.value));
		}
		for (const button of this.body.querySelectorAll("[data-go]")) {
			button.addEventListener("click", () => this.go(button.dataset.go));
		}
	}

	options(pairs, chosen) {
		const escape = frappe.utils.escape_html;
		return pairs
			.map(
				([value, label]) =>
					`<option value="${escape(value)}" ${value === chosen ? "selected" : ""}>${escape(label)}</option>`
			)
			.join("");
	}

	pick(name, value) {
		if (name === "scope") {
			const at = value.indexOf(":");
			this.choose({ by: value.slice(0, at), scope: value.slice(at + 1) });
		} else if (name === "company") {
			const is_company = this.chosen?.by === "company";
			this.choose(is_company ? { company: value, by: "company", scope: value } : { company: value });
		} else if (name === "every") {
			// The day that the old period began with may lie in a new one that is over.
			const is_now = !this.offered?.next;
			this.choose({ every: value, day: is_now ? "" : this.chosen?.day });
		} else {
			this.is_usual_calendar = !value;
			this.choose({ calendar: value, day: this.offered?.next ? this.chosen?.day : "" });
		}
	}

	go(where) {
		if (where === "now") this.choose({ day: "" });
		else if (this.offered?.[where]) this.choose({ day: this.offered[where] });
	}

	part(name) {
		return this.body.querySelector(`[data-part="${name}"]`);
	}

	show_skeleton() {
		this.body.setAttribute("aria-busy", "true");
		this.body.classList.remove("is-refused");
		this.body.querySelector(".scorecard-notes").innerHTML = "";
		const blocks = (count, kind) => `<div class="${kind}"></div>`.repeat(count);
		const hidden = `<span class="sr-only">${__("Loading")}</span>`;
		this.part("scorecard").innerHTML = `${hidden}<div class="scorecard-tiles">${blocks(8, "tile bone")}</div>`;
		this.part("to_reach").innerHTML = blocks(1, "bone bone-wide");
		this.part("members").innerHTML = blocks(1, "bone bone-wide");
		this.part("missing").innerHTML = "";
	}

	show_refusal(name, sentences) {
		this.part(name).innerHTML = "";
		if (name !== "scorecard") return;
		this.body.classList.add("is-refused");
		this.show_notes(sentences, true);
		this.part("missing").innerHTML = "";
		const again = document.createElement("button");
		again.className = "btn btn-default btn-sm";
		again.textContent = __("Show what is usual for me");
		again.addEventListener("click", () => {
			window.history.pushState(null, null, window.location.pathname);
			this.load({});
		});
		this.part(name).append(again);
	}

	// The sentences of the server are HTML already.
	show_notes(sentences, is_error) {
		this.body.querySelector(".scorecard-notes").innerHTML = sentences
			.map((text) => `<p class="${is_error ? "is-error" : ""}" ${is_error ? 'role="alert"' : ""}>${text}</p>`)
			.join("");
	}

	// Tiles

	show_scorecard(told) {
		const escape = frappe.utils.escape_html;
		this.chosen = told.chosen;
		this.offered = told.offered;
		this.told = told;
		this.page.set_title(`${told.title} · ${__("Sales Scorecard")}`);
		this.fill_pickers(told);
		const beside = [told.so_far, told.compared].filter(Boolean).join(" · ");
		this.body.querySelector(".scorecard-when").innerHTML = `<h2>${escape(told.period)}</h2>
			<span class="text-muted">${escape(beside)}</span>`;
		this.show_notes(told.notes.map(escape));
		const first = told.tiles.slice(0, told.first);
		const further = told.tiles.slice(told.first);
		const score = told.score ? this.score_tile(told.score) : "";
		const more = further.length
			? `<details class="scorecard-more"><summary>${__("{0} more KPIs", [further.length])}</summary>
				<div class="scorecard-tiles">${further.map((tile) => this.tile(tile)).join("")}</div></details>`
			: "";
		const part = this.part("scorecard");
		part.innerHTML = `<div class="scorecard-print-head">${escape(told.title)} · ${escape(told.period)}
				<small>${escape(__("as of {0}", [told.as_of]))}</small></div>
			<div class="scorecard-tiles">${score}${first.map((tile) => this.tile(tile)).join("")}</div>${more}`;
		for (const tile of part.querySelectorAll("[data-kpi]")) {
			tile.querySelector(".tile-open").addEventListener("click", () => this.open_kpi(tile.dataset.kpi));
		}
		part.querySelector("[data-score]")?.addEventListener("click", () => this.open_score());
		this.show_missing(told);
	}

	fill_pickers(told) {
		const picker = (name) => this.body.querySelector(`[data-picker="${name}"]`);
		const { chosen, offered } = told;
		picker("company").innerHTML = this.options(
			offered.companies.map((name) => [name, name]),
			chosen.company
		);
		picker("company").hidden = offered.companies.length < 2;
		const of_company = chosen.by === "company";
		picker("scope").innerHTML = this.options(
			offered.scopes.map((one) => [`${one.by}:${one.scope}`, "\u2003".repeat(one.indent) + one.label]),
			of_company ? `company:${chosen.company}` : `${chosen.by}:${chosen.scope}`
		);
		picker("every").value = chosen.every;
		picker("calendar").value = this.is_usual_calendar ? "" : chosen.calendar;
		for (const where of ["previous", "next"]) {
			this.body.querySelector(`[data-go="${where}"]`).disabled = !offered[where];
		}
		this.body.querySelector('[data-go="now"]').hidden = !offered.next;
	}

	status(one) {
		if (!one.status) return "";
		const sign = { good: "●", warn: "◐", bad: "○" }[one.tone] || "·";
		return `<span class="scorecard-status is-${one.tone || "unknown"}"><span aria-hidden="true">${sign}</span>
			${frappe.utils.escape_html(one.status)}</span>`;
	}

	tile(tile) {
		const escape = frappe.utils.escape_html;
		const goal = tile.target
			? `<div class="tile-goal">${__("of {0}", [`<bdi>${escape(tile.target)}</bdi>`])}
				${tile.attainment === null ? "" : `· <b><bdi>${escape(tile.attainment_text)}</bdi></b>`}</div>
				${tile.attainment === null ? "" : this.bar(tile)}
				${tile.pace ? `<div class="tile-note">${escape(tile.pace)}</div>` : ""}`
			: "";
		const change = tile.change
			? `<div class="tile-change is-${tile.change.state}" title="${escape(tile.change.text)}">
				<span aria-hidden="true">${tile.change.arrow}</span> <bdi>${escape(tile.change.short)}</bdi>
				${tile.change.state ? `<span class="tile-word">${this.state(tile.change.state)}</span>` : ""}</div>`
			: "";
		const notes = [tile.reason, ...tile.notes].filter(Boolean);
		const said = [tile.title, tile.value, tile.status, tile.change?.text, ...notes].filter(Boolean).join(", ");
		const links = this.tile_links(tile).map(
			([href, short, long]) => `<a href="${href}" aria-label="${escape(`${tile.title}: ${long}`)}">${escape(short)}</a>`
		);
		return `<div class="tile ${tile.few ? "is-few" : ""}" data-kpi="${escape(tile.name)}">
			<button type="button" class="tile-open" aria-haspopup="dialog" aria-label="${escape(said)}"></button>
			<div class="tile-told" aria-hidden="true">
				<span class="tile-head"><span class="tile-title">${escape(tile.title)}</span>${this.status(tile)}</span>
				<span class="tile-value"><bdi>${escape(tile.value)}</bdi></span>
				${goal}${change}
				${notes.map((note) => `<div class="tile-note">${escape(note)}</div>`).join("")}
				<span class="tile-spark">${this.sparkline(tile.points)}</span>
			</div>
			${links.length ? `<div class="tile-links">${links.join("")}</div>` : ""}
		</div>`;
	}

	// Addresses of what tells more of a figure, each in few and in more words.
	tile_links(tile) {
		return [
			tile.explanation && [this.report("KPI Explanation", tile.explanation), __("Why?"), __("Why did it change?")],
			tile.forecast && [this.report("KPI Forecast", tile.forecast), __("Forecast"), __("What will come?")],
		].filter(Boolean);
	}

	state(state) {
		return { better: __("better"), worse: __("worse") }[state] || "";
	}

	bar(one) {
		const width = Math.max(0, Math.min(one.attainment, 1)) * 100;
		return `<div class="tile-bar is-${one.tone || "unknown"}" aria-hidden="true">
			<i style="width: ${width.toFixed(1)}%"></i></div>`;
	}

	score_tile(score) {
		const escape = frappe.utils.escape_html;
		const missing = score.missing.length
			? `<div class="tile-note">${__("Without {0}", [escape(score.missing.join(", "))])}</div>`
			: "";
		const said = [__("Score"), score.value, score.status].join(", ");
		return `<button type="button" class="tile tile-score" data-score aria-haspopup="dialog" aria-label="${escape(said)}">
			<span class="tile-head"><span class="tile-title">${__("Score")}</span>${this.status(score)}</span>
			<span class="tile-value"><bdi>${escape(score.value)}</bdi></span>
			<div class="tile-note">${__("of what was agreed, by weights")}</div>${missing}
			<span class="tile-spark">${this.sparkline(score.points)}</span>
		</button>`;
	}

	// The last periods; a gap where there is no value, the running period dashed. Time runs as the language is read.
	sparkline(points, width = 200, height = 32) {
		const known = points.filter((point) => point.value !== null).map((point) => point.value);
		if (known.length < 2) return "";
		const edge = 3;
		const least = Math.min(0, ...known);
		const most = Math.max(...known, least + 1e-9);
		const step = (width - 2 * edge) / Math.max(points.length - 1, 1);
		const is_rtl = frappe.utils.is_rtl();
		const x = (index) => (is_rtl ? width - edge - index * step : edge + index * step);
		const y = (value) => height - edge - ((value - least) / (most - least)) * (height - 2 * edge);
		const whole = [];
		const running = [];
		const single = [];
		points.forEach((point, index) => {
			if (point.value === null) return;
			const before = index ? points[index - 1] : null;
			const here = `${x(index).toFixed(1)},${y(point.value).toFixed(1)}`;
			if (before && before.value !== null) {
				const piece = `M${x(index - 1).toFixed(1)},${y(before.value).toFixed(1)}L${here}`;
				(point.complete ? whole : running).push(piece);
			} else if (index === points.length - 1 || points[index + 1].value === null) {
				single.push(`<circle cx="${x(index).toFixed(1)}" cy="${y(point.value).toFixed(1)}" r="1.5" />`);
			}
		});
		const last = points[points.length - 1];
		const dot =
			last.value === null
				? ""
				: `<circle class="spark-last" cx="${x(points.length - 1).toFixed(1)}" cy="${y(last.value).toFixed(1)}" r="2.5" />`;
		return `<svg class="spark" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" aria-hidden="true">
			<path d="${whole.join("")}" /><path class="spark-running" d="${running.join("")}" />${single.join("")}${dot}</svg>`;
	}

	// A KPI in full

	open_kpi(name) {
		const escape = frappe.utils.escape_html;
		const tile = this.told.tiles.find((one) => one.name === name);
		if (!tile) return;
		const { definition } = tile;
		const line = (label, text) => (text ? `<dt>${label}</dt><dd>${text}</dd>` : "");
		const dialog = new frappe.ui.Dialog({ title: tile.title, size: "large" });
		const links = [
			tile.has_value && [this.report("Sales KPI Documents", tile.documents), __("Documents behind the figure")],
			...this.tile_links(tile).map(([href, , long]) => [href, long]),
			tile.target_document &&
				!tile.target_document.includes(", ") && [
					frappe.utils.get_form_link("KPI Target", tile.target_document),
					__("Target"),
				],
		].filter(Boolean);
		const notes = [tile.reason, tile.change?.text, tile.pace, tile.projection, ...tile.notes].filter(Boolean);
		$(dialog.body).html(`<div class="sales-scorecard scorecard-panel">
			<div class="panel-figure"><span class="tile-value"><bdi>${escape(tile.value)}</bdi></span>
				${tile.target ? `<span>${__("of {0}", [`<bdi>${escape(tile.target)}</bdi>`])}
					<b><bdi>${tile.attainment === null ? "" : escape(tile.attainment_text)}</bdi></b></span>` : ""}
				${this.status(tile)}</div>
			<ul class="panel-notes">${notes.map((note) => `<li>${escape(note)}</li>`).join("")}</ul>
			<div class="panel-links">${links
				.map(([href, label]) => `<a class="btn btn-default btn-sm" href="${href}">${escape(label)}</a>`)
				.join("")}</div>
			<div class="panel-chart" dir="ltr"></div>
			${tile.points.some((point) => point.value !== null && !point.complete) ? `<p class="text-muted">${__("Faded points: so far.")}</p>` : ""}
			<dl>
				${line(__("What it tells"), escape(definition.meaning))}
				${line(
					__("How it is computed"),
					`${definition.worked_out ? `<bdi>${escape(definition.worked_out)}</bdi><br>` : ""}
					<code dir="ltr">${escape(definition.formula)}</code>
					${!definition.worked_out && tile.has_value ? `= <bdi>${escape(tile.value)}</bdi>` : ""}`
				)}
				${line(__("Which direction is good"), escape(definition.good))}
				${line(__("What usually moves it"), escape(definition.moved_by))}
			</dl>
			<details><summary>${__("All figures")}</summary>${this.history(tile)}</details>
		</div>`);
		dialog.$wrapper.on("shown.bs.modal", () => this.draw_trend(dialog.body.querySelector(".panel-chart"), tile));
		dialog.$wrapper.on("hidden.bs.modal", () => {
			dialog.$wrapper.remove();
			this.body.querySelector(`[data-kpi="${CSS.escape(name)}"] .tile-open`)?.focus();
		});
		dialog.show();
	}

	report(name, filters) {
		const route = `query-report/${encodeURIComponent(name)}?${new URLSearchParams(filters)}`;
		return frappe.utils.escape_html(frappe.utils.generate_route({ type: "route", route }));
	}

	history(tile) {
		const escape = frappe.utils.escape_html;
		const rows = tile.points.map(
			(point, index) => `<tr><th scope="row">${escape(this.told.labels[index])}</th>
				<td><bdi>${escape(point.text)}</bdi></td>
				<td class="text-muted">${point.value !== null && !point.complete ? __("so far") : ""}
					${point.few ? __("too few to judge") : ""}</td></tr>`
		);
		return `<table class="table table-sm"><tbody>${rows.reverse().join("")}</tbody></table>`;
	}

	draw_trend(parent, tile) {
		const known = tile.points.filter((point) => point.value !== null);
		if (known.length < 2) {
			parent.textContent = __("There is no history yet to draw.");
			return;
		}
		const is_rtl = frappe.utils.is_rtl();
		const inorder = (list) => (is_rtl ? [...list].reverse() : list);
		const points = inorder(tile.points);
		const name = tile.axis ? `${tile.title} (${tile.axis})` : tile.title;
		const datasets = [{ name, values: points.map((point) => point.value) }];
		if (tile.points.some((point) => point.target !== null)) {
			datasets.push({ name: __("Target"), values: points.map((point) => point.target) });
		}
		const texts = new Map(points.map((point) => [point.value, point.text]));
		new frappe.Chart(parent, {
			data: { labels: inorder(this.told.labels), datasets },
			type: "line",
			height: 220,
			colors: ["#0072B2", "#E69F00"],
			animate: 0,
			disableEntryAnimation: 1,
			truncateLegends: 1,
			lineOptions: { showDots: 1, dotSize: 4 },
			axisOptions: { xAxisMode: "tick", xIsSeries: 1, shortenYAxisNumbers: 1 },
			tooltipOptions: { formatTooltipY: (value) => texts.get(value) ?? (value === null ? "–" : format_number(value)) },
		});
		// The library draws what has no value as 0, and a running period like one that is over.
		const draw = () => this.draw_honestly(parent, datasets, points);
		new MutationObserver(draw).observe(parent, { childList: true, subtree: true });
		draw();
	}

	draw_honestly(parent, datasets, points) {
		datasets.forEach((dataset, number) => {
			const units = parent.querySelector(`.dataset-units.dataset-${number}`);
			if (!units) return;
			const dots = [...units.querySelectorAll("[data-point-index]")];
			let pen = "M";
			const steps = [];
			dots.forEach((dot) => {
				const index = Number(dot.getAttribute("data-point-index"));
				const is_gap = dataset.values[index] === null;
				dot.style.display = is_gap ? "none" : "";
				dot.style.opacity = number === 0 && !points[index].complete ? 0.45 : 1;
				if (is_gap) {
					pen = "M";
					return;
				}
				steps.push(`${pen}${dot.getAttribute("cx")},${dot.getAttribute("cy")}`);
				pen = "L";
			});
			const line = units.querySelector("path.line-graph-path");
			const path = steps.join("") || "M0,0";
			if (line && dataset.values.includes(null) && line.getAttribute("d") !== path) line.setAttribute("d", path);
		});
	}

	open_score() {
		const escape = frappe.utils.escape_html;
		const { score } = this.told;
		const rows = score.parts.map(
			(one) => `<tr class="${one.is_missing ? "text-muted" : ""}"><th scope="row">${escape(one.title)}</th>
				<td><bdi>${escape(one.attainment)}</bdi></td>
				<td>${one.is_missing ? __("left out: no value") : `<bdi>${escape(one.weight)}</bdi>`}</td></tr>`
		);
		const dialog = new frappe.ui.Dialog({ title: `${__("Score")}: ${score.value}` });
		$(dialog.body).html(`<div class="sales-scorecard scorecard-panel">
			<p>${__(
				"The mean of how far each KPI has come with what was agreed, by weights. In a period that isn’t over, by pace."
			)}</p>
			<table class="table table-sm"><thead><tr><th scope="col">${__("KPI")}</th>
				<th scope="col">${__("Of target")}</th><th scope="col">${__("Weight")}</th></tr></thead>
				<tbody>${rows.join("")}</tbody></table></div>`);
		dialog.$wrapper.on("hidden.bs.modal", () => {
			dialog.$wrapper.remove();
			this.body.querySelector("[data-score]")?.focus();
		});
		dialog.show();
	}

	show_missing(told) {
		const escape = frappe.utils.escape_html;
		const part = this.part("missing");
		if (!told.missing.length) {
			part.innerHTML = "";
			return;
		}
		const rows = told.missing.map((one) => {
			const route = one.route && frappe.utils.generate_route({ type: "route", route: one.route });
			const fix = route ? `<a href="${escape(route)}">${escape(one.fix)}</a>` : escape(one.fix);
			return `<li><b>${escape(one.title)}</b> · ${escape(one.why)} ${fix}</li>`;
		});
		part.innerHTML = `<details><summary>${__("Not measured here yet ({0})", [told.missing.length])}</summary>
			<ul>${rows.join("")}</ul></details>`;
	}

	// To reach it

	show_to_reach(told) {
		const escape = frappe.utils.escape_html;
		const part = this.part("to_reach");
		const { gap } = told;
		let headline;
		if (!gap.has_target) {
			const set = frappe.model.can_create("KPI Target")
				? ` <a href="${escape(frappe.utils.generate_route({ type: "route", route: "kpi-target/new" }))}">
					${__("Set a target")}</a>`
				: "";
			const value = gap.value ? `<b><bdi>${escape(gap.value)}</bdi></b> ${escape(gap.kpi)} · ` : "";
			headline = `<p class="reach-gap">${value}${escape(gap.month)} · ${escape(gap.days)}</p>
				<p class="text-muted">${__("No target is set for this month.")}${set}</p>`;
		} else {
			const missing = `<b class="reach-missing"><bdi>${escape(gap.missing)}</bdi></b>`;
			const sentence = gap.is_reached
				? __("{0} more than the target", [missing])
				: __("{0} to go", [missing]);
			headline = `<p class="reach-gap">${sentence} · ${escape(gap.days)} ${this.status(gap)}</p>
				<div class="tile-bar is-${gap.tone || "unknown"}" role="img" aria-label="${escape(gap.share_text)}">
					<i style="width: ${((gap.share || 0) * 100).toFixed(1)}%"></i></div>
				<p class="text-muted">${escape(gap.kpi)} · ${escape(gap.month)} ·
					${__("{0} of {1}", [`<bdi>${escape(gap.value)}</bdi>`, `<bdi>${escape(gap.target)}</bdi>`])}</p>`;
		}
		const lists = told.lists.filter((list) => list.count || list.is_preparing);
		const nothing = lists.length ? "" : `<p>${__("Nothing is waiting for you. Well done.")}</p>`;
		part.innerHTML = `<h3>${__("To reach it")}</h3>${headline}${nothing}
			<div class="reach-lists">${lists.map((list) => this.reach_list(list)).join("")}</div>`;
		for (const button of part.querySelectorAll("[data-later]")) {
			button.addEventListener("click", () => this.set_aside(button));
		}
	}

	reach_list(list) {
		const escape = frappe.utils.escape_html;
		if (list.is_preparing) {
			return `<div class="reach-list"><h4>${escape(list.title)}</h4>
				<p class="text-muted">${__("This list is being prepared; look again in a few minutes.")}</p></div>`;
		}
		const item = (one) => `<li>
			<a href="${escape(frappe.utils.get_form_link(list.doctype, one.name))}">
				<span class="reach-party"><bdi>${escape(one.party || one.name)}</bdi></span>
				<span class="reach-amount"><bdi>${escape(one.amount_text)}</bdi></span>
				<span class="reach-why">${escape(one.why)}${one.party === one.name ? "" : ` · <bdi>${escape(one.name)}</bdi>`}</span>
			</a>
			<button type="button" class="btn btn-xs reach-later" data-later="${escape(one.name)}"
				data-doctype="${escape(list.doctype)}" title="${__("Remind me in a week")}"
				aria-label="${escape(__("Remind me in a week: {0}", [one.party || one.name]))}">
				<svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><path d="M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM8 4.5V8l2.4 1.6" /></svg></button></li>`;
		const fits = window.matchMedia("(max-width: 767px)").matches ? 3 : 5;
		const shown = list.items.slice(0, fits).map(item).join("");
		const rest = list.items.slice(fits);
		const further = list.further
			? `<p class="text-muted">${__("and {0} more", [escape(list.further)])}</p>`
			: "";
		const more = rest.length
			? `<details><summary>${__("{0} more", [rest.length])}</summary>
				<ul>${rest.map(item).join("")}</ul>${further}</details>`
			: further;
		return `<div class="reach-list"><h4>${escape(list.title)}
				<span class="reach-count"><bdi>${escape(list.count_text)}</bdi> · <bdi>${escape(list.total_text)}</bdi></span></h4>
			<ul>${shown}</ul>${more}</div>`;
	}

	async set_aside(button) {
		button.disabled = true;
		const day = await frappe.xcall("sales_kpi.site.scorecard_page.remind", {
			doctype: button.dataset.doctype,
			name: button.dataset.later,
		});
		frappe.show_alert({ message: __("You will be reminded on {0}.", [day]), indicator: "green" });
		const { company, by, scope } = this.asked;
		const told = await this.ask("to_reach", { company, by, scope });
		if (told.message) this.show_to_reach(told.message);
	}

	// Teams and salespeople

	show_members(told) {
		this.members = told;
		this.sorted_by = null;
		this.draw_members();
	}

	draw_members() {
		const part = this.part("members");
		const told = this.members;
		if (!told) {
			part.innerHTML = "";
			return;
		}
		const escape = frappe.utils.escape_html;
		const columns = [
			...(told.has_scores ? [{ name: "score", title: __("Score"), first: "high" }] : []),
			...told.columns.slice(0, 1),
			...(told.has_targets ? [{ name: "attainment", title: __("Of target"), first: "high" }] : []),
			...told.columns.slice(1),
		];
		const head = columns.map((column) => {
			const is_sorted = this.sorted_by === column.name;
			const sort = is_sorted ? (column.first === "low" ? "ascending" : "descending") : "none";
			return `<th scope="col" aria-sort="${sort}" title="${escape(column.about || column.title)}">
				<button type="button" data-sort="${escape(column.name)}">${escape(column.title)}
					<span aria-hidden="true">${is_sorted ? (column.first === "low" ? "▲" : "▼") : ""}</span></button>
				${column.note ? `<small class="text-muted">${escape(column.note)}</small>` : ""}</th>`;
		});
		const rows = this.ranked(columns);
		const body = rows.map(({ row, rank }) => {
			const indent = this.sorted_by ? 0 : row.indent;
			const place = rank ? `<span class="member-rank">${rank}</span>` : "";
			const name = row.is_open
				? `<a href="#" data-by="${escape(row.by)}" data-scope="${escape(row.scope)}"><bdi>${escape(row.label)}</bdi></a>`
				: escape(row.label);
			const cells = columns.map((column) => this.member_cell(row, column));
			return `<tr class="${row.is_team ? "is-team" : ""}">
				<th scope="row" style="padding-inline-start: ${8 + 18 * indent}px">${place}${name}</th>${cells.join("")}
				<td class="member-trend" data-label="${__("Trend")}">${this.sparkline(row.points, 90, 20)}</td></tr>`;
		});
		const notes = [
			told.few && told.footnote,
			told.silent && __("{0} without any record are left out.", [told.silent]),
			told.further && __("{0} more aren’t shown.", [told.further]),
		].filter(Boolean);
		part.innerHTML = `<h3>${__("Teams and salespeople")}
				${this.sorted_by ? `<button type="button" class="btn btn-default btn-xs" data-unsort>${__("In the order of the teams")}</button>` : ""}</h3>
			<div class="members-table"><table class="table"><thead><tr><th scope="col">${escape(told.label)}</th>${head.join("")}
				<th scope="col">${__("Trend")}</th></tr></thead><tbody>${body.join("")}</tbody></table></div>
			<p class="text-muted">${notes.map(escape).join(" · ")}</p>`;
		for (const button of part.querySelectorAll("[data-sort]")) {
			button.addEventListener("click", () => this.sort(button.dataset.sort));
		}
		part.querySelector("[data-unsort]")?.addEventListener("click", () => this.sort(null));
		for (const link of part.querySelectorAll("[data-scope]")) {
			link.addEventListener("click", (event) => {
				event.preventDefault();
				this.choose({ by: link.dataset.by, scope: link.dataset.scope });
			});
		}
	}

	member_cell(row, column) {
		const escape = frappe.utils.escape_html;
		const label = `data-label="${escape(column.title)}"`;
		if (column.name === "attainment") {
			if (row.attainment === null) return `<td ${label}>–</td>`;
			return `<td ${label}><bdi>${escape(row.attainment_text)}</bdi> ${this.status(row)}${this.bar(row)}</td>`;
		}
		if (column.name === "score") return `<td ${label}><b><bdi>${escape(row.score_text)}</bdi></b></td>`;
		const cell = row.cells[column.name];
		return `<td ${label} class="${cell.few ? "is-few" : ""}" title="${escape(cell.about)}">
			<span><bdi>${escape(cell.text)}</bdi>${cell.few ? " *" : ""}</span></td>`;
	}

	// In the order of the tree; sorted by a column only salespeople, those last that can't be ranked.
	ranked(columns) {
		const rows = this.members.rows;
		const column = columns.find((one) => one.name === this.sorted_by);
		if (!column) return rows.map((row) => ({ row }));
		const own = (row) =>
			["score", "attainment"].includes(column.name) ? row[column.name] : row.cells[column.name].rank;
		const people = rows.filter((row) => !row.is_team);
		const compared = people.length ? people : rows;
		const sign = column.first === "low" ? 1 : -1;
		const known = compared.filter((row) => own(row) !== null && row.is_open);
		known.sort((one, other) => sign * (own(one) - own(other)));
		const others = compared.filter((row) => !known.includes(row));
		return [...known.map((row, place) => ({ row, rank: place + 1 })), ...others.map((row) => ({ row }))];
	}

	sort(name) {
		this.sorted_by = this.sorted_by === name ? null : name;
		this.draw_members();
		const again = name && this.part("members").querySelector(`[data-sort="${CSS.escape(name)}"]`);
		again?.focus();
	}
};
