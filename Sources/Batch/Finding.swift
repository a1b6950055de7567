import Files
import Plain
import Processes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What one attempt at an item came to.
struct Finding {
  /// What the conversion printed; `nil` where it printed none.
  private let document: JSONValue?
  private let cause: Record.Cause?
  private var message: String?
  /// The limit that was reached.
  private var limit: Int?
  private var hasFailed = false

  /// Whether the item was converted.
  var isPass: Bool { cause == nil && !hasFailed }

  /// Whether another attempt may find something else.
  var mayPass: Bool {
    switch cause {
    case .output, .fault, .signal: true
    default: false
    }
  }

  init(_ cause: Record.Cause, _ message: String) {
    (document, self.cause, self.message) = (nil, cause, message.shortened(to: 1200))
  }

  /// What is most of a report, and is not kept.
  private static let longEntries: Set<String> = ["layers", "network", "choice", "folded", "stages"]

  private init(_ document: JSONValue, hasFailed: Bool) {
    (self.document, cause, self.hasFailed) = (document, nil, hasFailed)
  }

  /// Takes the end of a program for what it means.
  init(_ run: LimitedRun, _ limits: LimitedRun.Limits) {
    // A report of a conversion is long: it is read once.
    if case .exited(let status) = run.ending, status == 0 || status == 1,
      let document = try? JSONValue(json: run.output, passingOver: Self.longEntries)
    {
      self.init(document, hasFailed: status == 1)
      return
    }
    let text = Self.text(of: run)
    switch run.ending {
    case .exited(let status) where status == 0 || status == 1:
      let words = text.map { ": \($0)" } ?? ""
      self.init(.fault, "ended with status \(status) and no report\(words)")
    case .exited where Self.reasonsThatPass.contains(Self.reason(of: run) ?? ""):
      self.init(.fault, text ?? "")
    case .exited(EX_NOINPUT) where text?.contains(InputError.memoryProblem) ?? false:
      self.init(.memory, text ?? "")
      limit = limits.memory
    case .exited(let status):
      self.init(Self.cause(of: status), text ?? "ended with status \(status)")
    case .signaled(let signal):
      self.init(.signal, "ended by signal \(signal)\(text.map { ": \($0)" } ?? "")")
    case .tooLong:
      self.init(.time, "took longer than \(counted(limits.seconds, "second"))")
      limit = limits.seconds
    case .tooMuch:
      self.init(.fault, "wrote more than \(limits.output >> 20) MB to its standard output")
    case .interrupted:
      self.init(.signal, "was interrupted")
    }
  }

  /// What is wrong with the machine, or with the moment, and not with the source.
  private static let reasonsThatPass: Set<String> = [
    InputError.Reason.missingProgram.rawValue, InputError.Reason.changed.rawValue,
  ]

  /// Which rule was broken, in a word.
  private static func reason(of run: LimitedRun) -> String? {
    (try? JSONValue(json: run.output))?["reason"]?.text
  }

  private static func cause(of status: Int32) -> Record.Cause {
    switch status {
    case EX_DATAERR: .input
    case EX_NOINPUT: .unreadable
    case EX_USAGE: .usage
    case EX_CANTCREAT, EX_IOERR: .output
    default: .fault
    }
  }

  /// What a program says of its end: its document's line, or the last one that it wrote for people.
  private static func text(of run: LimitedRun) -> String? {
    let document = try? JSONValue(json: run.output)
    if let text = document?["error"]?.text { return text }
    let line = run.lastWords
    return line.isEmpty ? nil : line.hasPrefix("rnw: ") ? String(line.dropFirst(5)) : line
  }

  /// The same with what a check of the written file found.
  func verified(_ check: Finding) -> Finding {
    if check.isPass { return self }
    if check.mayPass || check.cause == .time || check.cause == .memory { return check }
    var finding = self
    finding.hasFailed = true
    finding.message = "the written file: \(check.message ?? "its certificate does not hold")"
    return finding
  }
}

// MARK: - The record

extension Finding {
  /// What is kept of it.
  func record(of run: ItemRun, _ taken: ItemRun.Taken) -> Record? {
    var entries: [String: JSONValue] = [
      "schema": .text(Record.schema), "key": .text(run.key.text), "name": .text(run.item.name),
      "source": .text(run.item.source), "sourceBytes": .integer(run.key.sourceBytes),
      "sourceDigest": run.key.source.map { .text($0) } ?? .null,
      "options": .list(run.item.options.map { .text($0) }),
      "verified": .bool(run.request.verifies), "version": .text(run.request.program.version),
      "cause": cause.map { .text($0.rawValue) } ?? .null,
      "message": message.map { .text($0) } ?? .null,
      "limit": limit.map { .integer($0) } ?? .null,
      "measured": .object([
        "attempts": .integer(taken.attempts), "milliseconds": .integer(taken.milliseconds),
        "processorMilliseconds": .integer(taken.processorMilliseconds),
        "peakBytes": .integer(taken.peakBytes),
      ]),
    ]
    var outcome = cause == nil ? (isPass ? Record.Outcome.pass : .fail) : .quarantined
    if mayPass { outcome = .failed }
    entries["outcome"] = .text(outcome.rawValue)
    entries["output"] = .null
    if let document {
      entries.merge(Self.figures(of: document)) { _, new in new }
      if outcome == .pass {
        guard let digest = FileDigest(path: run.request.folder.output(of: run.item.name)) else {
          return Finding(.output, "the written file is gone").record(of: run, taken)
        }
        run.digests.remember(digest, of: run.request.folder.output(of: run.item.name))
        entries["output"] = .object([
          "path": .text("models/\(run.item.name).rnw"), "bytes": .integer(digest.count),
          "sha256": .text(digest.sha256),
        ])
      }
      let files = document["files"]?.elements?.compactMap(\.text) ?? []
      let others = run.otherFiles(among: files)
      if !others.isEmpty {
        guard let digest = ItemKey.digest(ofAll: others, run.digests) else {
          return Finding(.output, "a file was changed while it was read").record(of: run, taken)
        }
        entries["parts"] = .object([
          "files": .list(others.map { .text($0) }), "sha256": .text(digest),
        ])
      }
    }
    do {
      return try Record(.object(entries))
    } catch {
      guard document != nil else { return nil }
      return Finding(.fault, "the report cannot be used: \(error.place)").record(of: run, taken)
    }
  }

  /// What is kept of a conversion's document.
  private static func figures(of document: JSONValue) -> [String: JSONValue] {
    let proofs = document["proofs"]?.elements ?? []
    let failed = proofs.first { $0["verdict"]?.text == "fail" }?["proof"]?.text
    // Where weights were rounded, the document's own keys are of the comparison with the source.
    let arithmetic = document["arithmetic"] ?? .null
    let comparison: JSONValue? =
      switch failed {
      case "file": arithmetic == .null ? document : arithmetic
      case "graph": document["ownGraph"]
      case "reference": document["reference"]
      default: document
      }
    let culprit = comparison?["culprit"]
    let suspicion = culprit?["suspicion"]?.text ?? comparison?["suspicion"]?["explanation"]?.text
    let name = culprit?["familyName"]?.text ?? culprit?["name"]?.text
    return [
      "network": document["architecture"] ?? .null, "family": document["family"] ?? .null,
      "container": document["container"] ?? .null, "precision": document["precision"] ?? .null,
      "proofs": .list(proofs), "failedProof": failed.map { .text($0) } ?? .null,
      "culprit": name.map { .text($0) } ?? .null,
      "suspicion": suspicion.map { .text($0) } ?? .null,
      "assumptions": .integer(document["assumptions"]?.elements?.count ?? 0),
    ]
  }
}
