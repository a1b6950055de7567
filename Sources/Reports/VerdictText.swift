package import Comparison
import Families
import Files
import Plain
import Tensors

extension Verdict {
  /// The verdict in one line.
  package var line: String {
    var parts: [String] = []
    if passes {
      parts.append("pass: \(comparedLayers) within limits")
    } else {
      parts.append("fail: \(failures)")
    }
    if let culprit {
      let suspicion = culprit.suspicion.map { ", \($0.explanation)" } ?? ""
      parts.append("first wrong layer \(culprit.displayName)\(suspicion)")
    }
    if let worst { parts.append("worst \(worst.displayName) \(worst.figure)") }
    if let assumed { parts.append("assumed: \(assumed)") }
    return parts.joined(separator: "; ").escapedForTerminal
  }

  /// Pass or fail in words: a pass says on how much it rests that no file tells.
  var word: String {
    guard passes else { return "FAIL" }
    guard !assumptions.isEmpty else { return "PASS" }
    return "PASS, with \(counted(assumptions.count, "thing")) the file does not tell"
  }

  /// What the file does not tell, in one line; `nil` where it tells all.
  package var assumed: String? {
    assumptions.isEmpty ? nil : assumptions.map(\.words).joined(separator: ", ")
  }

  /// How many layers were compared, and of how many where only some were asked for.
  var comparedLayers: String {
    guard let selection else { return counted(compared, "layer") }
    return "\(compared) of \(counted(selection.layers, "layer")) (those named \(selection.pattern))"
  }

  /// What is wrong, in a few words.
  var failures: String {
    var hidden: [String] = []
    if let weights, !weights.agrees {
      hidden.append("\(weights.different.count) of \(counted(weights.compared, "tensor")) differ")
    }
    if let functions, !functions.agrees {
      let count = functions.different.count
      hidden.append(
        "\(count) of \(counted(functions.compared, "layer")) \(count == 1 ? "is" : "are") defined otherwise"
      )
    }
    let layers = "\(failed) of \(comparedLayers) out of limits"
    guard failed == 0, !hidden.isEmpty else { return ([layers] + hidden).joined(separator: ", ") }
    return "\(hidden.joined(separator: ", ")), though no layer shows it"
  }

  /// What there is to say, each with a short label.
  func detailLines(_ coverage: Coverage) -> [(label: String, text: String)] {
    var lines: [(String, String)] = []
    if let culprit {
      lines.append(("culprit", culprit.description))
      if let suspicion = culprit.suspicion {
        lines.append(("suspected", suspicion.description))
      }
    }
    if let worst, worst.scaledError > 0 {
      let noise = isWithinNoise ? "; all errors are float32 noise" : ""
      lines.append(("worst", "\(worst.displayName): \(worst.figure)\(noise)"))
      if let problem = worst.problem, worst.scaledError.isFinite { lines.append(("", problem)) }
    } else if compared > 0 {
      lines.append(("worst", "every value is the same to the last bit"))
    }
    if let weights { lines.append(("weights", weights.description)) }
    if let functions, !functions.agrees {
      lines.append(("functions", functions.description))
    }
    if !passingLimit.isFinite {
      lines.append(
        (
          passes ? "passes" : "limits",
          "with no limit: values are not finite, or have no counterpart"
        ))
    } else if passingLimit > 0 {
      lines.append(
        passes
          ? ("passes", "with every limit down to \(passingLimit)")
          : ("limits", "would pass from \(passingLimit)"))
    }
    if let growth = growth.summary { lines.append(("growth", growth)) }
    if !isWithinNoise, withinNoise > 0 {
      lines.append(
        (
          "noise",
          "\(counted(withinNoise, "layer")) of \(compared) differ by float32 noise only, up to "
            + "\(Limits.float32Noise)"
        ))
    }
    if let agreement { lines.append(("output", agreement.description)) }
    if let assumed { lines.append(("assumed", assumed)) }
    for (label, names, what) in [
      ("missing", coverage.missing, "not in the \(coverage.side), not compared"),
      ("unknown", coverage.unknown, "only in the \(coverage.side), not compared"),
      ("folded", coverage.folded.map(\.name), "compared as part of the layer after it"),
    ] where !names.isEmpty {
      lines.append((label, "\(listed(names, atMost: 3)), \(what)"))
    }
    return lines + notes.map { ("note", $0) }
  }
}

extension LayerComparison {
  /// Value, limit, and value ÷ limit; or why there is no value.
  var figure: String {
    guard scaledError.isFinite else { return problem ?? decidingStatistics.nonFinite.description }
    if let channel = decidingChannel {
      return
        "channel \(channel.channel) is off by \(readable(channel.difference)), its largest value is "
        + "\(readable(channel.largest)): \(readable(timesLimit)) × what rounding explains"
    }
    return "error \(readable(scaledError)) = \(readable(timesLimit)) × limit \(limit)"
  }

  /// The error without its limit; or why there is no error.
  func errorText(_ error: Double) -> String {
    if let channel = decidingChannel, error.isFinite {
      return
        "channel \(channel.channel) is off by \(readable(channel.difference)), its largest value is "
        + readable(channel.largest)
    }
    return error.isFinite
      ? "error \(readable(error))" : problem ?? decidingStatistics.nonFinite.description
  }
}

extension WeightAgreement {
  /// How many are the same, and what differs.
  var description: String {
    guard let first = different.first else {
      let text = "\(identical) of \(counted(compared, "tensor")) the same to the bit"
      return rounded == 0 ? text : "\(text), \(rounded) by rounding"
    }
    let all = first.channels == max(first.shape.dimensions.first ?? 1, 1)
    let place =
      all
      ? "everywhere"
      : "in \(counted(first.channels, "output channel")) of \(first.shape[0]), "
        + "\(first.firstChannel) first"
    let more = different.count == 1 ? "" : "; and \(counted(different.count - 1, "more tensor"))"
    return "\(first.name) differs \(place), by \(readable(first.error)) of its largest value\(more)"
  }
}

extension FunctionAgreement {
  /// What does something else.
  var description: String {
    guard let first = different.first else {
      return "\(counted(compared, "layer")) do the same of any input"
    }
    let more = different.count == 1 ? "" : "; and \(counted(different.count - 1, "more layer"))"
    return "\(first.name): \(first.explanation)\(more)"
  }
}

extension NonFiniteCounts {
  /// Which values are not finite, such as `12 values are NaN, none in the reference`.
  fileprivate var description: String {
    func text(_ nan: Int, _ infinite: Int) -> String? {
      let parts = [(nan, "NaN"), (infinite, "infinite")].filter { $0.0 > 0 }
      guard let first = parts.first else { return nil }
      return
        ([counted(first.0, "value") + (first.0 == 1 ? " is " : " are ") + first.1]
        + parts.dropFirst().map { "\($0.0) \($0.1)" }).joined(separator: ", ")
    }
    let own = text(candidateNaN, candidateInfinite)
    let others = text(referenceNaN, referenceInfinite)
    switch (own, others) {
    case (let own?, let others?): return "\(own); in the reference \(others)"
    case (let own?, nil): return "\(own), none in the reference"
    case (nil, let others?): return "in the reference \(others), none here"
    case (nil, nil): return "no error can be computed"
    }
  }
}

extension Culprit {
  /// The error in words; where values are not finite, how many.
  private var error: String { layer.errorText(scaledError) }

  /// What is known of the culprit, in one line.
  package var description: String {
    var text = displayName
    if let familyName, familyName != name { text += " (\(name))" }
    text += ": "
    switch evidence {
    case .isolated:
      text +=
        error + (scaledError.isFinite ? " from inputs that are right" : "; its inputs are right")
    case .largestContribution:
      text += "adds most, \(readable(scaledError)), to what is out of limits later"
    case .definition:
      text += "is defined otherwise, though its values agree on what went in"
    case .propagated:
      text += error
      if !inputs.isEmpty {
        let names = inputs.map { "\($0.displayName) \(readable($0.scaledError))" }
        text += ", but its inputs agree: " + names.joined(separator: ", ")
      }
    }
    if !unseen.isEmpty {
      text += "; or \(listed(unseen, atMost: 4)) before it, which could not be compared"
    }
    return text
  }
}

extension Suspicion {
  /// The explanation and how well it explains.
  var description: String {
    guard let scaledError else { return explanation }
    return "\(explanation) (put right, the error is \(readable(scaledError)))"
  }
}

extension ErrorGrowth {
  /// Describes the growth in one line; `nil` where there is none.
  var summary: String? {
    guard let first = steps.first(where: { $0.error > 0 }), let last = steps.last, steps.count > 1
    else { return nil }
    var text = "error \(readable(first.error)) at \(first.displayName)"
    if let broken = steps.first(where: { !$0.error.isFinite }) {
      return broken == first ? nil : "\(text), infinite from \(broken.displayName) on"
    }
    guard let largest, largest.added > 0 else { return nil }
    text +=
      ", \(readable(last.error)) at \(last.displayName); \(largest.displayName) adds most, \(readable(largest.added))"
    if let own = largest.own { text += " (\(readable(own)) from inputs that are right)" }
    return text
  }
}

extension OutputAgreement {
  /// How many images have the same classes.
  package var description: String {
    var text = "same first class on \(sameFirst) of \(counted(images, "image"))"
    if listLength > 1 { text += ", same first \(listLength) on \(sameList)" }
    return text
  }
}

extension String {
  /// Names come from files of strangers and end up on terminals.
  var escapedForTerminal: String { shorteningWords().escapingControlCharacters }
}
