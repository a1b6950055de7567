import Plain

extension FleetVerdict {
  /// The document: sums first, then a line for each record.
  package func json(summary: FleetSummary) -> String {
    var head: [(String, JSONValue)] = [
      ("schema", .text(Self.schema)), ("verdict", .text(passes ? "pass" : "fail")),
      ("limit", limit.map { .number($0) } ?? .null), ("items", .integer(records.count)),
    ]
    head.append(
      (
        "counts",
        .object(
          Dictionary(
            uniqueKeysWithValues: Judgement.allCases.map {
              ($0.rawValue, .integer(summary.counts[$0] ?? 0))
            }))
      ))
    head.append(("passWithAssumptions", .integer(summary.assuming)))
    head.append(("passWithoutFile", .integer(summary.withoutFile)))
    head.append(
      (
        "bytes",
        .object([
          "sources": .integer(summary.sourceBytes), "files": .integer(summary.outputBytes),
          "saved": .integer(summary.sourceBytes - summary.outputBytes),
        ])
      ))
    head.append(
      (
        "time",
        summary.time.map {
          .object([
            "milliseconds": .integer($0.wall), "processorMilliseconds": .integer($0.processor),
          ])
        } ?? .null
      ))
    head.append(
      (
        "failures",
        .list(
          summary.groups.map {
            .object([
              "judgement": .text($0.judgement.rawValue), "reason": .text($0.reason),
              "count": .integer($0.count), "example": .text($0.example),
            ])
          })
      ))
    head.append(
      (
        "culprits",
        .list(
          summary.culprits.map { .object(["layer": .text($0.layer), "count": .integer($0.count)]) })
      ))
    head.append(
      (
        "worst",
        .list(
          summary.worst.map {
            .object([
              "name": .text($0.name), "layer": .text($0.layer),
              "timesLimit": $0.timesLimit.isFinite ? .number($0.timesLimit) : .text("inf"),
            ])
          })
      ))
    let lines = head.map { "\"\($0.0)\": \($0.1.json)" }
    let records = records.map { line(of: $0) }.joined(separator: ",\n")
    return "{\n" + lines.joined(separator: ",\n") + ",\n\"records\": [\n\(records)\n]\n}\n"
  }

  /// A record, with how it is judged where that is by another limit than its own.
  private func line(of record: Record) -> String {
    var record = record
    record.entries.removeValue(forKey: "judged")
    if limit != nil { record.entries["judged"] = .text(judgement(of: record).rawValue) }
    return Escaped.json(record.json)
  }
}
