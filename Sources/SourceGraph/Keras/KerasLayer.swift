import Files
import Plain
import Tensors

/// What is known of Keras' classes.
package enum KerasClasses {
  /// The kinds of layers that only training does anything in, as Keras counts them.
  package static let training = Set(LayerSettings.trainingClasses.map(\.snakeCased))
}

extension LayerSettings {
  /// The kinds of layers that only training does anything in.
  fileprivate static let trainingClasses: Set<String> = [
    "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise",
    "ActivityRegularization", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation",
    "RandomContrast", "RandomBrightness", "RandomHue", "RandomSaturation", "RandomErasing",
    "RandomGrayscale", "RandomSharpness", "RandomColorJitter", "RandomInvert",
    "RandomPosterization",
    "RandomShear", "RandomPerspective", "RandomElasticTransform", "RandomGaussianBlur",
    "RandomColorDegeneration", "RandAugment", "AugMix",
  ]

  /// The layers that run code of the model's author.
  private static let codeClasses: Set<String> = ["Lambda", "TorchModuleWrapper", "JaxLayer"]

  /// What a call of the layer does, one operation after the other.
  ///
  /// - Throws: `InputError` that names the layer, where it is of a kind, has an option or is given something that
  ///   is not understood: a guess would prove nothing.
  func operations(
    _ arguments: [Argument], named: [String: Argument]
  ) throws(InputError) -> [SourceOperation] {
    guard isKerasOwn else {
      throw InputError(
        .badData, path: path,
        "has a configuration in which \(name) is of a class that its own graph cannot be run with",
        place: registeredName ?? "\(module).\(className)",
        hint: "its code is not in the file; a model without the layer, saved anew, can be read")
    }
    if let quantization {
      throw fault("computes with quantised values: \(quantization)", expected: "a float type")
    }
    if isOperator(arguments) { return [try operatorOperation(arguments, named: named)] }
    try refuseUncomputed()
    for (argument, value) in named.sorted(by: { $0.key < $1.key }) {
      if case .constant(.null) = value { continue }
      if argument == "training", case .constant(.bool(let isOn)) = value, !isOn || isAugmentation {
        continue
      }
      throw fault("is called with an argument that is not understood: \(argument)")
    }
    try requireChannelsLast()
    switch className {
    case "InputLayer": return [try input()]
    case "ZeroPadding2D": return [try zeroPadding()]
    case "Conv2D": return try ended(by: "activation", [try convolution()])
    case "Dense":
      let dense = SourceOperation.dense(
        outputs: try extent("units"), hasBias: try flag("use_bias", default: true))
      return try ended(by: "activation", [dense])
    case "BatchNormalization": return [try batchNorm()]
    case "GroupNormalization": return [try groupNorm()]
    case "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax":
      return [try function().map { .activation($0) } ?? .identity]
    case "MaxPooling2D": return [.maxPool(try window())]
    case "AveragePooling2D": return [.averagePool(try window())]
    case "GlobalAveragePooling2D":
      return [.globalAverage(keepsImage: try flag("keepdims", default: false))]
    case "GlobalMaxPooling2D":
      return [.globalMaximum(keepsImage: try flag("keepdims", default: false))]
    case "Add": return [.merge(.add)]
    case "Subtract": return [.merge(.subtract)]
    case "Multiply": return [.merge(.multiply)]
    case "Average": return [.merge(.average)]
    case "Maximum": return [.merge(.maximum)]
    case "Minimum": return [.merge(.minimum)]
    case "Concatenate":
      guard isAbsent("axis") || values["axis"]?.integer != nil else {
        throw refusal(of: "axis that is not one number")
      }
      return [.concatenate(axis: values["axis"]?.integer ?? -1)]
    case "Flatten": return [.flatten(channelsFirst: false)]
    case "Permute" where values["dims"] == .list([.integer(3), .integer(1), .integer(2)]):
      return [.channelsFirst]
    case "Reshape": return [try reshape("target_shape")]
    case "Rescaling":
      return [
        .affine(
          scale: try numbers("scale", default: 1), offset: try numbers("offset", default: 0))
      ]
    case "Normalization": return [try normalization()]
    case "Identity": return [.identity]
    case let name where Self.trainingClasses.contains(name): return [.identity]
    default:
      throw fault("is of a class that its own graph cannot be run with")
    }
  }

  /// Refuses what is known and not computed, whatever it is called with.
  private func refuseUncomputed() throws(InputError) {
    switch className {
    case let name where Self.codeClasses.contains(name):
      throw InputError(
        .badData, path: path, "has a configuration in which \(self.name) runs code of its author",
        place: "a layer of class \(className), whose code is not run",
        hint: "the same in layers of Keras, such as Rescaling, or a model without it can be read")
    case "Resizing", "CenterCrop", "RandomCrop":
      throw InputError(
        .badData, path: path, "has a configuration in which \(name) resizes its images",
        place: "a layer of class \(className), which is not computed",
        hint:
          "a model that begins after it, `keras.Model(layer.output, …)`, can be read; `rnw run` "
          + "resizes images itself")
    default: return
    }
  }

  /// Whether the layer changes images at random: Keras 3 writes `training: true`, its default, into such a call, and
  /// `predict` takes it back.
  private var isAugmentation: Bool {
    Self.trainingClasses.contains(className) && version?.hasPrefix("3") ?? true
      && (className.hasPrefix("Rand") || className == "AugMix")
  }

  private func input() throws(InputError) -> SourceOperation {
    guard
      let sizes = (values["batch_shape"] ?? values["batch_input_shape"])?.elements,
      sizes.count == 4, sizes.dropFirst().allSatisfy({ $0 == .null || ($0.integer ?? 0) > 0 })
    else {
      throw fault("is no input of images", expected: "a batch_shape of four sizes")
    }
    return .input(height: sizes[1].integer, width: sizes[2].integer, channels: sizes[3].integer)
  }

  private func zeroPadding() throws(InputError) -> SourceOperation {
    guard let padding = values["padding"] else { throw fault("lacks its padding") }
    if let rows = padding.elements, rows.count == 2, rows.contains(where: { $0.elements != nil }) {
      let (top, bottom) = try pair(rows[0], "padding", from: 0)
      let (left, right) = try pair(rows[1], "padding", from: 0)
      return .padding(.init(top: top, bottom: bottom, left: left, right: right))
    }
    let (vertical, horizontal) = try pair("padding", from: 0)
    return .padding(
      .init(top: vertical, bottom: vertical, left: horizontal, right: horizontal))
  }

  private func convolution() throws(InputError) -> SourceOperation {
    if !isAbsent("groups"), values["groups"] != .integer(1) {
      throw refusal(of: "number of groups")
    }
    let (height, width) = try pair("kernel_size")
    return .convolution(
      .init(
        outputs: try extent("filters"), height: height, width: width,
        stride: isAbsent("strides") ? 1 : try square("strides"), isSame: try isSame(),
        hasBias: try flag("use_bias", default: true),
        dilation: isAbsent("dilation_rate") ? 1 : try square("dilation_rate")))
  }

  private func batchNorm() throws(InputError) -> SourceOperation {
    guard try !flag("renorm", default: false), isAbsent("virtual_batch_size") else {
      throw refusal(of: "renorm or virtual_batch_size")
    }
    return .batchNorm(try norm())
  }

  private func groupNorm() throws(InputError) -> SourceOperation {
    let norm = try norm()
    // −1 stands for one channel in each group.
    guard let groups = values["groups"]?.integer, groups > 0 else {
      throw refusal(of: "number of groups that depends on the channels")
    }
    return .groupNorm(norm, groups: groups)
  }

  private func norm() throws(InputError) -> SourceOperation.Norm {
    let axis = values["axis"]
    let axes = axis?.elements ?? [axis ?? .integer(-1)]
    guard axes.count == 1, let axis = axes[0].integer, (-8...8).contains(axis) else {
      throw refusal(of: "axis that is not one number")
    }
    let epsilon = try number("epsilon", default: 1e-3)
    guard epsilon >= 0, epsilon.isFinite else { throw fault("has an impossible epsilon") }
    return .init(
      axis: axis, epsilon: epsilon, hasScale: try flag("scale", default: true),
      hasShift: try flag("center", default: true))
  }

  private func window() throws(InputError) -> SourceOperation.Window {
    let size = try square("pool_size")
    return .init(
      size: size, stride: isAbsent("strides") ? size : try square("strides"),
      isSame: try isSame())
  }

  /// A mean and a variance of each channel, in the configuration or among the weights.
  private func normalization() throws(InputError) -> SourceOperation {
    guard try !flag("invert", default: false) else { throw refusal(of: "invert") }
    let axis = values["axis"]?.elements ?? [values["axis"] ?? .integer(-1)]
    guard axis.isEmpty || axis == [.null] || axis == [.integer(-1)] || axis == [.integer(3)] else {
      throw refusal(of: "axis that is not the last")
    }
    if isAbsent("mean"), isAbsent("variance") { return .standardize }
    let mean = try flatNumbers("mean")
    let variance = try flatNumbers("variance")
    let count = max(mean.count, variance.count)
    guard [1, count].contains(mean.count), [1, count].contains(variance.count) else {
      throw fault("has as many means as it has not variances")
    }
    // As Keras computes it: (x − mean) / max(√variance, 10⁻⁷).
    let pairs = (0..<count).map { index in
      (mean[mean.count == 1 ? 0 : index], variance[variance.count == 1 ? 0 : index])
    }
    let scale = pairs.map { 1 / max(Double(Float($1)).squareRoot(), 1e-7) }
    return .affine(scale: scale, offset: zip(pairs, scale).map { -Double(Float($0.0)) * $1 })
  }

  /// The sizes of a setting such as `target_shape`.
  func reshape(_ setting: String) throws(InputError) -> SourceOperation {
    let elements = values[setting]?.elements ?? []
    let sizes = elements.compactMap(\.integer)
    guard sizes.count == elements.count, (1...3).contains(sizes.count),
      sizes.allSatisfy({ $0 == -1 || (1...(1 << 30)).contains($0) })
    else { throw refusal(of: "\(setting) that is not one to three sizes") }
    return .reshape(sizes)
  }
}
