import Plain
import ResNetV2
import Tensors

extension Comparison.Outcome {
  /// What a reader should know beside the figures.
  var notes: [String] {
    remarks
      + [
        suspectedStretch, silentOutput,
      ].compactMap { $0 }
      + [
        searchEnded, notFinite, otherClasses, sleepingChannels, constantOutput, smallImages,
        halfPrecisionOfSource, optionsNote,
      ].compactMap { $0 } + judgementNotes
  }

  /// In which options the two networks differ; `nil` where they do not.
  package var optionsNote: String? {
    differingOptions.isEmpty
      ? nil
      : "the networks differ in \(counted(differingOptions.count, "option")): "
        + listed(differingOptions, atMost: 6)
  }

  /// Between which layers an engine's first mistake is, where it did not give them all, and which would tell more.
  private var suspectedStretch: String? {
    guard trial == .values, let culprit, !culprit.unseen.isEmpty else { return nil }
    var search = FaultSearch(
      graph, wrong: culprit.node, askable: Set(unseenNodes(before: culprit.node)))
    for layer in layers where layer.node < culprit.node && layer.passes {
      search.note(layer.node, isRight: true)
    }
    let wanted = search.next(atMost: 3).map(displayName(of:))
    guard !wanted.isEmpty else { return nil }
    return
      "the first mistake is in one of \(counted(search.suspects.count, "layer")); to halve them, write out "
      + wanted.joined(separator: ", ") + " too"
  }

  /// An engine that did not give its output was not judged by it.
  private var silentOutput: String? {
    guard trial == .values, lacking.contains(graph.outputIndex), let last = layers.last else {
      return nil
    }
    return
      "the candidate does not have \(displayName(of: graph.outputIndex)), the output: nothing after "
      + "\(last.displayName) was judged"
  }

  private var searchEnded: String? {
    guard !passes else { return nil }
    return searchedSeconds.map {
      "the search for the cause was ended after \(fixed($0, decimals: 0)) s"
    }
  }

  private var notFinite: String? {
    let layers = layers.filter {
      $0.statistics.nonFinite.pairs > $0.statistics.nonFinite.mismatched
    }
    guard let first = layers.first else { return nil }
    let text = "\(first.displayName) has NaN or infinite values on both sides; they prove nothing"
    return first.statistics.scaledError.isFinite ? "\(text), and are accepted as asked for" : text
  }

  /// Layers may be within wide limits, and two classes as good as equal: that decides nothing, but it
  /// is said.
  private var otherClasses: String? {
    guard let agreement, !agreement.agreesOnFirst, layers.allSatisfy(\.passes) else { return nil }
    let others = agreement.images - agreement.sameFirst
    return
      "the first class is another one on \(others) of \(counted(agreement.images, "image")), though "
      + "every layer is within its limit"
  }

  private var sleepingChannels: String? {
    guard sleeping.asleep > 0 else { return nil }
    if let layer = sleeping.layers.first {
      return
        "no input wakes any channel of \(displayName(of: layer)): what depends on it alone was not "
        + "tested; --input with more or other images does"
    }
    return
      "\(grouped(sleeping.asleep)) of \(grouped(sleeping.count)) channels after a ReLU were zero for "
      + "every input; --input probe:1:8 wakes more"
  }

  private var constantOutput: String? {
    hasConstantOutput
      ? "every value of the reference's output is the same: it tells nothing of what comes before"
      : nil
  }

  /// Float16 keeps 11 bits and bfloat16 8: so much is lost at every layer.
  private var halfPrecisionOfSource: String? {
    halfPrecision.map { policy in
      "the model's framework computes in half precision (\(policy)): its output differs from all here, which is "
        + "float32, by about \(policy.hasSuffix("bfloat16") ? "4e-3" : "5e-4") for every layer on the way"
    }
  }

  /// Of a kernel that moves over one pixel only the middle is used.
  private var smallImages: String? {
    guard let shapes = try? graph.shapes(for: inputShape) else { return nil }
    let small = graph.nodes.indices.filter { index in
      guard case .convolution(let conv) = graph.nodes[index].operation, conv.kernel > 1,
        let input = graph.nodes[index].inputs.first
      else { return false }
      return shapes[input].dimensions.dropFirst().dropLast().allSatisfy { $0 == 1 }
    }
    guard let first = small.first else { return nil }
    return
      "\(counted(small.count, "convolution")), \(displayName(of: first)) first, saw images of one pixel: "
      + "of the kernels only the middle was used; a larger --input uses them"
  }
}
