import Comparison

/// The place where the script shows the chosen layer.
enum HTMLPanel {
  static let markup = """
    <div class="side"><section id="panel" class="card" aria-labelledby="panel-title" tabindex="-1" hidden>
    <div><p class="soft">Chosen layer</p>
    <h2 id="panel-title"><span></span></h2>
    <p class="about soft"></p></div>
    <p class="status"></p>
    <div class="stepper"><button type="button" data-step="-1">← before</button>\
    <button type="button" data-step="1">next →</button>\
    <button type="button" data-step="failure">next ✗</button></div>
    <table class="figures"><caption class="unseen">Figures of the chosen layer</caption>\
    <thead></thead><tbody></tbody></table>
    <fieldset class="modes"><legend class="unseen">What is drawn below</legend>\
    <label><input type="radio" name="mode" value="propagated"> propagated</label>\
    <label><input type="radio" name="mode" value="isolated"> isolated</label></fieldset>
    <div><h3>Differences by size, in units of the scaled error</h3>
    <svg id="sizes" class="plot" viewBox="0 0 360 140" role="img" aria-label=""></svg>
    <p id="sizes-note" class="soft"></p></div>
    <div><h3>Largest difference of each channel</h3>
    <svg id="channels" class="plot" viewBox="0 0 360 110" role="img" aria-label=""></svg>
    <p id="channels-note" class="soft"></p></div>
    </section></div>
    """
}
