# embed_file(OUT_VAR FILE SYMBOL): a C file that holds FILE's bytes as
# `const unsigned char SYMBOL[]` and its size as `const size_t SYMBOL_size`.
set(EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed_script.cmake)

function(embed_file out_var file symbol)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${file} -DOUTPUT=${output} -DSYMBOL=${symbol} -P ${EMBED_SCRIPT}
    DEPENDS ${file} ${EMBED_SCRIPT}
    COMMENT "Embedding ${symbol}"
    VERBATIM)
  set(${out_var} ${output} PARENT_SCOPE)
endfunction()
