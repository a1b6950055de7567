import Files
import Plain
import ResNetV2
import SourceGraph
import Tensors

/// The layers that a file of weights lists though they have none: what it tells of its network beside its tensors.
///
/// What they do is not told, only that they are there. So a pooling is known, and a layer of which nothing is known is
/// not passed over in silence.
struct ListedLayers {
  /// The classes, or default names, without their numbers.
  private let classes: Set<String>
  /// How many functions stand in layers of their own, by classes or default names; `nil` where nothing is listed.
  private let functions: Int?
  /// How many layers pad an image with zeros; `nil` where names do not tell.
  private let paddings: Int?
  /// Whether they are classes; a name may be anything.
  private let areClasses: Bool
  private let path: String

  /// - Parameters:
  ///   - ignored: the layers that the user leaves out.
  ///   - path: the file, for messages.
  init(_ listed: LayerList, ignoring ignored: [Glob], path: String) {
    classes = listed.kinds.filter { name in !ignored.contains { $0.matches(name) } }
    areClasses = !listed.areNames
    let pads = listed.counts.filter { name, _ in
      name == "zero_padding2d" || listed.areNames && name.hasSuffix("_pad")
    }.values.reduce(0, +)
    functions =
      listed.counts.isEmpty
      ? nil : ["activation", "re_lu"].reduce(0) { $0 + (listed.counts[$1] ?? 0) }
    paddings = listed.counts.isEmpty || listed.areNames && pads == 0 ? nil : pads
    self.path = path
  }

  /// The pooling of the feature map, where one of its kinds alone is listed.
  var pooling: Configuration.Head.Pooling? {
    switch (
      classes.contains("global_average_pooling2d"), classes.contains("global_max_pooling2d")
    ) {
    case (true, false): .average
    case (false, true): .max
    default: nil
    }
  }

  /// Whether more functions are listed than the network before the head has; `nil` where that is not told.
  func hasOwnActivations(beyond graph: Graph, of family: Family) -> Bool? {
    guard let functions else { return nil }
    let names = family.layerNames(for: graph)
    // By names only those are seen that Keras made up.
    let own = graph.nodes.count { node in
      guard case .activation = node.operation else { return false }
      return areClasses || names.name(of: node.name) == "activation"
    }
    return functions > own
  }

  /// Sets the border of the stem's pool as the listed layers tell it: a border is a layer of its own.
  ///
  /// - Throws: `InputError` where other borders are listed than the family's.
  func readBorders(
    into configuration: inout Configuration, of family: Family
  ) throws(InputError) {
    guard let paddings, let graph = try? Graph(configuration) else { return }
    let expected = family.layerNames(for: graph).folded.count
    if paddings == expected - 1, configuration.stem.pool != nil {
      configuration.stem.pool?.padding = .valid
    } else if paddings != expected, areClasses {
      throw InputError(
        .badData, path: path, "lists \(paddings) layers that pad an image",
        place: "a network of \(family.title) has \(expected)",
        hint: "the whole model (model.save('model.keras')) tells its borders")
    }
  }

  /// Checks that nothing is listed of which the network has nothing, and nothing told would say what it does.
  ///
  /// - Throws: `InputError` that names the layer.
  func requireKnown(told: Told) throws(InputError) {
    if let layer = first(of: Self.adjusting), told.inputScale.isEmpty, told.inputOffset.isEmpty {
      throw InputError(
        .badData, path: path,
        "lists a layer that changes the input, whose numbers it does not tell",
        place: layer,
        hint: "--input-scale S --input-offset O tell them (x/127.5 − 1: 0.00784313725490196 and "
          + "-1); --ignore \(layer) leaves the layer out")
    }
    guard let layer = first(of: Self.other.subtracting(Self.adjusting)) ?? unknown else { return }
    guard layer != "layer_normalization" else {
      throw InputError(
        .badData, path: path, "has a LayerNormalization, which is not computed", place: layer)
    }
    throw InputError(
      .badData, path: path, "lists a layer of which it does not tell what it does", place: layer,
      hint: "the whole model (model.save('model.keras')) tells it; --ignore \(layer) leaves it out")
  }

  private func first(of kinds: Set<String>) -> String? {
    classes.filter { name in
      kinds.contains(name) || kinds.contains { $0.hasSuffix(".") && name.hasPrefix($0) }
    }.min()
  }

  /// A class that is none of those that a network of residual blocks and its head have.
  private var unknown: String? {
    areClasses
      ? classes.subtracting(Self.usual).subtracting(Self.adjusting)
        .subtracting(KerasClasses.training).min() : nil
  }

  /// Layers that change an image by numbers of their own.
  private static let adjusting: Set<String> = [
    "rescaling", "normalization", "tf_op_lambda", "slicing_op_lambda", "tf.math.",
    "tf.__operators__.", "tf.nn.bias_add", "tf.cast", "tf.reverse",
  ]

  /// Layers by whose default names alone it is known that the network is another one.
  private static let other: Set<String> = [
    "lambda", "resizing", "center_crop", "random_crop", "leaky_re_lu", "elu", "p_re_lu",
    "thresholded_re_lu", "multiply", "subtract", "average", "maximum", "minimum", "concatenate",
    "dot", "reshape", "permute", "up_sampling2d", "cropping2d", "conv2d_transpose",
    "depthwise_conv2d", "separable_conv2d", "layer_normalization", "unit_normalization",
    "tf.image.", "tf.compat.",
  ]

  /// What every network of a family may have.
  private static let usual: Set<String> = [
    "input_layer", "conv2d", "batch_normalization", "dense", "activation", "re_lu", "softmax",
    "add", "zero_padding2d", "max_pooling2d", "average_pooling2d", "global_average_pooling2d",
    "global_max_pooling2d", "flatten", "group_normalization",
  ]
}
