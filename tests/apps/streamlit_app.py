"""A Streamlit application with a button, a file and a table."""

import streamlit as st

st.title("Behind a mantlet")

if "pressed" not in st.session_state:
    st.session_state.pressed = 0
if st.button("Press"):
    st.session_state.pressed += 1
st.write(f"Pressed {st.session_state.pressed} times")

name = st.text_input("Name")
if name:
    st.write(f"Hello, {name}")

file = st.file_uploader("A file")
if file is not None:
    st.write(f"Received {file.name}: {len(file.getvalue())} bytes")

st.latex(r"\sum_{i=1}^n i = \frac{n(n+1)}{2}")
st.code("print('styled')", language="python")
st.dataframe({"x": [1, 2, 3], "y": [1, 4, 9]})
st.line_chart({"y": [1, 4, 9]})
st.download_button("Download", data="downloaded", file_name="a.txt")
